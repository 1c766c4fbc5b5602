//! What a handler must see.

use bitflags::bitflags;

bitflags! {
    /// What a handler must see. The plan ORs these to decide how bytes move: an endpoint whose
    /// handlers need neither bytes nor HTTP is relayed raw.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Needs: u8 {
        /// Metadata of the connection; no byte is read for it.
        const CONNECT = 1 << 0;
        /// May wrap the raw byte stream.
        const STREAM = 1 << 1;
        /// Method, target and headers of each request.
        const REQUEST_HEAD = 1 << 2;
        /// The whole request body, buffered up to the route's limit. Costs everyone on the route.
        const REQUEST_BODY = 1 << 3;
        /// Status and headers of each response.
        const RESPONSE_HEAD = 1 << 4;
        /// The whole response body, buffered up to the route's limit. Costs everyone on the route.
        const RESPONSE_BODY = 1 << 5;
        /// The way to internal endpoints.
        const INSIDE = 1 << 6;
    }
}

impl Needs {
    /// Everything that is asked of a connection before HTTP is spoken on it.
    pub const CONNECTION: Self = Self::CONNECT.union(Self::STREAM);

    /// Everything that makes the relay parse HTTP.
    pub const HTTP: Self = Self::REQUEST_HEAD
        .union(Self::REQUEST_BODY)
        .union(Self::RESPONSE_HEAD)
        .union(Self::RESPONSE_BODY);

    /// Whether HTTP has to be parsed for it.
    pub const fn wants_http(self) -> bool {
        self.intersects(Self::HTTP)
    }

    /// Whether it has a say about connections.
    pub const fn wants_connection(self) -> bool {
        self.intersects(Self::CONNECTION)
    }
}
