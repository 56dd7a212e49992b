"""The pack of PE proves what the SDK's conformance kit asks of every pack."""

from pathlib import Path

from recupero_sdk.conformance.regulation import RegulationConformance, Sample

ROOT = Path(__file__).parents[1]


class TestConformance(RegulationConformance):
    folder = ROOT / "recupero_regulation_pe"
    scenarios = ROOT / "tests" / "scenarios"
    golden = ROOT / "tests" / "golden"
    sample = Sample(year=2025, region="PE-LMA", timezone="America/Lima")
