"""How an upload arrives: in a temporary file, and never without end."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class CappedTemporaryFileHandler(TemporaryFileUploadHandler):
    """Stops a file at twice the larger of ``RECON_MAX_UPLOAD_MB`` and ``RECON_MAX_STREAMED_MB``, before anybody was asked who they are.

    Up to there, the form says in plain words that the file is too large; it needs the whole file to know its size.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        most = 2 * max(settings.RECON_MAX_UPLOAD_MB, settings.RECON_MAX_STREAMED_MB)
        if start + len(raw_data) > most * 1024 * 1024:
            raise RequestDataTooBig(f"One file is larger than {most} MB.")
        return super().receive_data_chunk(raw_data, start)
