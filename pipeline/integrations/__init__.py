"""Other people's systems, one short file each: thin, optional, imported by nobody inside the pipeline but on request.

Each needs a dependency group of its own (`pip install --group NAME`) and says so when it is missing. What they share
with the rest is plain functions: collecting a batch, the tasks of the graph, the published tables.
"""
