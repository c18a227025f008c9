//! What the documents promise of the sources.
