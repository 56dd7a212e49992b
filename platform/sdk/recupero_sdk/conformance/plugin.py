"""The pytest plug-in that brings the conformance checks into a plug-in author's test run."""
