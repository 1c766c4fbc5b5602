//! What requests and responses have in common: header lines and bodies.

/// Text of a header's octets. What is not UTF-8 becomes replacement characters.
pub(crate) fn text(octets: Vec<u8>) -> String {
    match String::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// The methods that both heads have.
macro_rules! head_methods {
    ($head:ident) => {
        impl $head<'_> {
            /// First value of that name. Octets that are not UTF-8 become replacement characters.
            pub fn header(&self, name: &str) -> Option<String> {
                self.header_bytes(name).map($crate::headers::text)
            }

            /// First value of that name.
            pub fn header_bytes(&self, name: &str) -> Option<Vec<u8>> {
                self.0.header(name)
            }

            /// All values of that name, one for each line.
            pub fn header_all(&self, name: &str) -> Vec<String> {
                self.header_all_bytes(name).into_iter().map($crate::headers::text).collect()
            }

            /// All values of that name, one for each line.
            pub fn header_all_bytes(&self, name: &str) -> Vec<Vec<u8>> {
                self.0.header_all(name)
            }

            /// Every line, in the order of arrival, names in lower case. Prefer
            /// [`header`](Self::header): it moves one value instead of all.
            pub fn headers(&self) -> Vec<(String, String)> {
                let lines = self.headers_bytes().into_iter();
                lines.map(|(name, value)| (name, $crate::headers::text(value))).collect()
            }

            /// Every line, in the order of arrival, names in lower case.
            pub fn headers_bytes(&self) -> Vec<(String, Vec<u8>)> {
                $crate::reply::from_fields(self.0.headers())
            }

            /// Replaces every line of that name by one.
            ///
            /// # Panics
            ///
            /// If the agent refuses: the name is not a header's or is reserved (what frames the
            /// message, and `host`), or the value has a line end in it, or the head has left. A
            /// panic is a fault, and the edits of this call are dropped. For values that a stranger
            /// chooses, use [`try_set_header`](Self::try_set_header).
            #[track_caller]
            pub fn set_header(&mut self, name: &str, value: impl $crate::HeaderValue) {
                $crate::state::must(name, self.try_set_header(name, value));
            }

            /// Replaces every line of that name by one, unless the agent refuses.
            ///
            /// # Errors
            ///
            /// Where [`set_header`](Self::set_header) panics.
            pub fn try_set_header(
                &mut self,
                name: &str,
                value: impl $crate::HeaderValue,
            ) -> $crate::Result<()> {
                Ok(self.0.set_header(name, &value.octets())?)
            }

            /// Adds a line.
            ///
            /// # Panics
            ///
            /// As [`set_header`](Self::set_header).
            #[track_caller]
            pub fn append_header(&mut self, name: &str, value: impl $crate::HeaderValue) {
                $crate::state::must(name, self.try_append_header(name, value));
            }

            /// Adds a line, unless the agent refuses.
            ///
            /// # Errors
            ///
            /// Where [`append_header`](Self::append_header) panics.
            pub fn try_append_header(
                &mut self,
                name: &str,
                value: impl $crate::HeaderValue,
            ) -> $crate::Result<()> {
                Ok(self.0.append_header(name, &value.octets())?)
            }

            /// Removes every line of that name.
            ///
            /// # Panics
            ///
            /// As [`set_header`](Self::set_header).
            #[track_caller]
            pub fn remove_header(&mut self, name: &str) {
                $crate::state::must(name, self.try_remove_header(name));
            }

            /// Removes every line of that name, unless the agent refuses.
            ///
            /// # Errors
            ///
            /// Where [`remove_header`](Self::remove_header) panics.
            pub fn try_remove_header(&mut self, name: &str) -> $crate::Result<()> {
                Ok(self.0.remove_header(name)?)
            }

            /// Whether there is a body, perhaps an empty one.
            pub fn has_body(&self) -> bool {
                self.0.has_body()
            }

            /// Length of the body, where it was said.
            pub fn content_length(&self) -> Option<u64> {
                self.0.content_length()
            }

            /// Keeps the head back and gathers up to `limit` octets of the body; then the body hook
            /// is called, once. It takes effect with the verdict `Next`.
            ///
            /// A longer body is not refused: the hook gets its beginning and `complete` is false.
            /// The route's buffer limit, 1 MiB unless it says otherwise, caps `limit`.
            ///
            /// # Panics
            ///
            /// If a body was asked for already, or on an upgrade, or when the head has left.
            #[track_caller]
            pub fn await_body(&mut self, limit: u32) {
                $crate::state::must("await_body", self.0.await_body(limit));
            }

            /// Lets the head go and calls the chunk hook for each piece of the body that passes. It
            /// takes effect with the verdict `Next`.
            ///
            /// # Panics
            ///
            /// As [`await_body`](Self::await_body).
            #[track_caller]
            pub fn watch_body(&mut self) {
                $crate::state::must("watch_body", self.0.watch_body());
            }
        }
    };
}

pub(crate) use head_methods;
