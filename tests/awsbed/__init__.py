"""An AWS of our own for tests: moto's server, whose Batch runs jobs as processes.

README.md says what is as on AWS and what is not.
"""

from awsbed.images import Image
from awsbed.runner import LocalBatch
from awsbed.server import Bed, Request, serving

__all__ = ["Bed", "Image", "LocalBatch", "Request", "serving"]
