"""A campaign on AWS: its stack, what AWS accepts, and what AWS says in plain words."""
