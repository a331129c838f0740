"""The main job on the sample company, told as a story: `python -m infra.local.demo`."""
