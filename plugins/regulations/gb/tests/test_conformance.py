"""The pack of GB proves what the SDK's conformance kit asks of every pack."""

from pathlib import Path

from recupero_sdk.conformance.regulation import RegulationConformance, Sample

ROOT = Path(__file__).parents[1]


class TestConformance(RegulationConformance):
    folder = ROOT / "recupero_regulation_gb"
    scenarios = ROOT / "tests" / "scenarios"
    golden = ROOT / "tests" / "golden"
    sample = Sample(year=2025, region="GB-ENG", timezone="Europe/London")
