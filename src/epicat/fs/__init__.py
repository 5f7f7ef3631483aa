"""Files on a local disk or in an S3 bucket."""
