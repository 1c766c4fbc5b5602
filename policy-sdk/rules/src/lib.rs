//! What adit accepts from a policy: pure checks, shared by the host and the test host.
