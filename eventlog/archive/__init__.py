"""Archives as files: a folder of Parquet files and a manifest that names them.

- `files`: the manifest, which has the chain and the digests that make it tamper-evident, and segments, which are
  Parquet files, as columns and as records.
- `reader` reads an archive, and names the first record that is not as it was written.
- `writer` writes one: a kill at any moment leaves a whole archive behind.
"""
