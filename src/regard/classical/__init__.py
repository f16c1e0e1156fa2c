"""Methods without a network, behind the same contract as the networks."""
