"""What graphics tools are handed: OGraf packages, and templates for CasparCG and SPX-GC.

The `catalogue` says which graphics there are; `ograf` and `playout` describe one for the tools of either kind, and
`package` writes them into a folder.
"""
