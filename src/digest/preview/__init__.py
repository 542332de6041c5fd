"""What a reader would be sent, looked at before anybody is: on a page of this machine, as text, as a file."""

from digest.preview.files import write_proof
from digest.preview.pages import preview_app
from digest.preview.proof import Proof, Wanted, choose_issue, choose_newsletter, proof_of

__all__ = [
    "Proof",
    "Wanted",
    "choose_issue",
    "choose_newsletter",
    "preview_app",
    "proof_of",
    "write_proof",
]
