//! What a person or a script sees of a running agent: captured exchanges, the local API and the
//! page that shows them.
