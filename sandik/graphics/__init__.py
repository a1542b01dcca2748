"""What graphics tools are handed: OGraf packages, and templates for CasparCG and SPX-GC."""
