//! Webhooks whose URL is signed, too.

use super::{Known, POST};

pub(super) const KNOWN: &[Known] = &[
    Known {
        provider: "hubspot",
        target: "/hook?x=a%3ab%2Fc%20",
        headers: &[
            ("x-hubspot-request-timestamp", "1767225600000"),
            ("x-hubspot-signature-v3", "Nv0E2V9/9YS6qrZXSpoCf4XQBw1vOIRoZIaRz60raBw="),
        ],
        ..POST
    },
    Known {
        provider: "hubspot",
        headers: &[
            ("x-hubspot-signature-version", "v2"),
            (
                "x-hubspot-signature",
                "0d58c3c776989efd99b056ba131844e867fb83e28e46936aff2d34695fba78c6",
            ),
        ],
        ..POST
    },
    Known {
        provider: "mailchimp",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-mandrill-signature", "cg4sXLK3+XkDd1bKaFf/3U1eCIA="),
        ],
        body: "To=%2B15550001&From=%2B15550002&Body=hi+there&Tag=b&Tag=a&Tag=a",
        ..POST
    },
    Known {
        provider: "plivo",
        target: "/hook?b=x%20y&a=1",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-plivo-signature-v3-nonce", "n-1"),
            (
                "x-plivo-signature-v3",
                "DS56OlhWeMSxqB/8+nz8nTPsf7x1vSWKrBn1+Hve+LY=,x5BYFp1AZ3d+sSB5zX8xwaXBcLLpr8FHGBqGaaGoV2s=",
            ),
        ],
        body: "To=%2B15550001&From=%2B15550002&Body=hi+there&Tag=b&Tag=a&Tag=a",
        ..POST
    },
    Known {
        provider: "plivo",
        method: "GET",
        headers: &[
            ("x-plivo-signature-v3-nonce", "n-1"),
            ("x-plivo-signature-v3", "AKvumy9tke0oNjD9Dc7otx9mN6O+FyhlQBRBpIbhkDI="),
        ],
        body: "",
        ..POST
    },
    Known {
        provider: "plivo",
        target: "/hook",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-plivo-signature-v3-nonce", "n-1"),
            ("x-plivo-signature-ma-v3", "lWGLn8nTuc/S1kdaXOPgjOf0D0IiLJo4j7cWjTbKKnk="),
        ],
        body: "To=%2B15550001&From=%2B15550002&Body=hi+there&Tag=b&Tag=a&Tag=a",
        ..POST
    },
    Known {
        provider: "plivo",
        headers: &[
            ("x-plivo-signature-v2-nonce", "n-1"),
            ("x-plivo-signature-v2", "dASeALUbbJ6BYAS73FU7aBmII/v+sLOatoLer4EnBT0="),
        ],
        is_signed: false,
        ..POST
    },
    Known {
        provider: "square",
        headers: &[(
            "x-square-hmacsha256-signature",
            "RBpz8exiwI/xgwPkvHWmrsE9DNxgNR34dI561/7I3ug=",
        )],
        ..POST
    },
    Known {
        provider: "square",
        headers: &[("x-square-signature", "ADsfLVZCeUEwJg0isZvqZLf7/5A=")],
        ..POST
    },
    Known {
        provider: "twilio",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-twilio-signature", "p31Djun4DeCgi9/J3qmsr1EQmHc="),
        ],
        body: "To=%2B15550001&From=%2B15550002&Body=hi+there&Tag=b&Tag=a&Tag=a",
        ..POST
    },
    Known {
        provider: "twilio",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-twilio-signature", "ZztxU1CItpafOn+jezYWodv+pT8="),
        ],
        body: "To=%2B15550001&From=%2B15550002&Body=hi+there&Tag=b&Tag=a&Tag=a",
        ..POST
    },
    Known {
        provider: "twilio",
        host: "app.example:8443",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-twilio-signature", "p31Djun4DeCgi9/J3qmsr1EQmHc="),
        ],
        body: "To=%2B15550001&From=%2B15550002&Body=hi+there&Tag=b&Tag=a&Tag=a",
        ..POST
    },
    Known {
        provider: "twilio",
        target: "/hook?bodySHA256=9239c422a41b555493841e492401a13c6081045f49bd7223f575c7e1f7d86f7f",
        headers: &[
            ("content-type", "application/json"),
            ("x-twilio-signature", "Gwo4g9kXLNIbuADT/lp2y94aWgM="),
        ],
        ..POST
    },
];
