// What somebody might send to whoever looks at it: everything here tries to run script, to leave
// its place, or to be more than a page can hold.

const SCRIPT = "<script>alert(document.domain)</script>";
const HTML = `<!doctype html><html><head>${SCRIPT}<meta http-equiv="refresh" content="0;url=javascript:alert(1)"><style>*{display:none!important}</style></head>
<body onload="alert(1)"><img src=x onerror="alert(1)"><svg onload="alert(1)"></svg><iframe srcdoc="${SCRIPT.replaceAll('"', "&quot;")}"></iframe><a href="javascript:alert(1)" autofocus onfocus="alert(1)">x</a></body></html>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script><foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="alert(1)"/></foreignObject><image href="x" onerror="alert(1)"/></svg>`;

const file = (type, body, headers = {}) => () => [200, { "content-type": type, ...headers }, body];

export const hostile = {
  "/hostile/page.html": file("text/html", HTML),
  "/hostile/picture.svg": file("image/svg+xml", SVG),
  "/hostile/not-a.png": file("image/png", HTML),
  "/hostile/script.json": file("application/json", JSON.stringify({ [SCRIPT]: SCRIPT, "</pre><img src=x onerror=alert(1)>": "\u2028\u2029\u0000", __proto__: null, constructor: { prototype: SCRIPT } })),
  "/hostile/script.xml": file("application/xml", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>alert(1)</h:script>&c;</a>`),
  "/hostile/invalid-utf8.txt": file("text/plain; charset=utf-8", Buffer.from([0x68, 0x69, 0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x3c, 0x73, 0x3e])),
  "/hostile/type.txt": file(`text/html"><script>alert(1)</script>`, "type"),
  "/hostile/huge-headers": file("text/plain", "x", { "x-huge": "A".repeat(30_000), "x-markup": HTML.replaceAll("\n", " "), "x-bidi": Buffer.from("\u202etxt.exe").toString("latin1") }),
  "/hostile/name": file("application/octet-stream", "x", { "content-disposition": `attachment; filename="../../<script>alert(1)</script>.html"` }),
  "/hostile/deep.json": file("application/json", "[".repeat(20_000) + "]".repeat(20_000)),
  "/hostile/long-line.json": file("application/json", JSON.stringify("<b>".repeat(100_000))),
  "/hostile/bomb.gz": file("text/plain", Buffer.from("H4sIAAAAAAAAA0vMSQQA", "base64"), { "content-encoding": "gzip" }),
};

/** Paths that are markup themselves. */
export const paths = [
  "/%3Cscript%3Ealert(1)%3C/script%3E",
  "/?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
  "/javascript:alert(1)",
  `/'"()%7B%7D;alert(1)//`,
];
