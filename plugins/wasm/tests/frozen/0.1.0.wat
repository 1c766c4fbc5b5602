(component
  (type $ty-adit:policy/types@0.1.0 (;0;)
    (instance
      (type (;0;) (enum "denied" "invalid" "too-late" "limit" "unavailable" "other"))
      (export (;1;) "error-kind" (type (eq 0)))
      (type (;2;) (record (field "kind" 1) (field "message" string)))
      (export (;3;) "error" (type (eq 2)))
      (type (;4;) (list u8))
      (type (;5;) (record (field "name" string) (field "value" 4)))
      (export (;6;) "field" (type (eq 5)))
      (type (;7;) (list 6))
      (type (;8;) (record (field "status" u16) (field "headers" 7) (field "body" 4)))
      (export (;9;) "reply" (type (eq 8)))
      (type (;10;) (variant (case "next") (case "respond" 9) (case "reroute" string) (case "abort" string)))
      (export (;11;) "request-verdict" (type (eq 10)))
      (type (;12;) (variant (case "next") (case "respond" 9) (case "abort" string)))
      (export (;13;) "response-verdict" (type (eq 12)))
    )
  )
  (import "adit:policy/types@0.1.0" (instance $adit:policy/types@0.1.0 (;0;) (type $ty-adit:policy/types@0.1.0)))
  (type $ty-adit:policy/connections@0.1.0 (;1;)
    (instance
      (export (;0;) "connection" (type (sub resource)))
    )
  )
  (import "adit:policy/connections@0.1.0" (instance $adit:policy/connections@0.1.0 (;1;) (type $ty-adit:policy/connections@0.1.0)))
  (alias export $adit:policy/types@0.1.0 "error" (type $error (;2;)))
  (type $ty-adit:policy/http@0.1.0 (;3;)
    (instance
      (export (;0;) "request" (type (sub resource)))
      (alias outer 1 $error (type (;1;)))
      (export (;2;) "error" (type (eq 1)))
      (export (;3;) "response" (type (sub resource)))
      (type (;4;) (borrow 0))
      (type (;5;) (list u8))
      (type (;6;) (result (error 2)))
      (type (;7;) (func (param "self" 4) (param "name" string) (param "value" 5) (result 6)))
      (export (;0;) "[method]request.set-header" (func (type 7)))
    )
  )
  (import "adit:policy/http@0.1.0" (instance $adit:policy/http@0.1.0 (;2;) (type $ty-adit:policy/http@0.1.0)))
  (core module $main (;0;)
    (type (;0;) (func (param i32 i32 i32 i32 i32 i32)))
    (type (;1;) (func (param i32)))
    (type (;2;) (func (param i32 i32 i32 i32) (result i32)))
    (type (;3;) (func (param i32 i32) (result i32)))
    (import "adit:policy/http@0.1.0" "[method]request.set-header" (func $set (;0;) (type 0)))
    (import "adit:policy/connections@0.1.0" "[resource-drop]connection" (func $drop-connection (;1;) (type 1)))
    (import "adit:policy/http@0.1.0" "[resource-drop]request" (func $drop-request (;2;) (type 1)))
    (import "adit:policy/http@0.1.0" "[resource-drop]response" (func $drop-response (;3;) (type 1)))
    (memory (;0;) 32)
    (global $top (;0;) (mut i32) i32.const 65536)
    (export "memory" (memory 0))
    (export "cabi_realloc" (func 4))
    (export "adit:policy/setup@0.1.0#configure" (func 5))
    (export "adit:policy/request-hook@0.1.0#on-request" (func 6))
    (export "adit:policy/response-hook@0.1.0#on-response" (func 7))
    (func (;4;) (type 2) (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      global.get $top
      local.get $size
      i32.add
      i32.const 2000000
      i32.gt_u
      if ;; label = @1
        i32.const 65536
        global.set $top
      end
      global.get $top
      i32.const 15
      i32.add
      i32.const -16
      i32.and
      local.set $at
      local.get $at
      local.get $size
      i32.add
      global.set $top
      local.get $at
    )
    (func (;5;) (type 3) (param $at i32) (param $len i32) (result i32)
      i32.const 4096
      i32.const 0
      i32.store8
      i32.const 4096
    )
    (func (;6;) (type 3) (param $conn i32) (param $req i32) (result i32)
      (local $r i32)
      block (result i32) ;; label = @1
        local.get $req
        i32.const 0
        i32.const 8
        i32.const 16
        i32.const 1
        i32.const 8192
        call $set
        i32.const 4096
        i32.const 0
        i32.store8
        i32.const 4096
      end
      local.set $r
      local.get $conn
      call $drop-connection
      local.get $req
      call $drop-request
      local.get $r
    )
    (func (;7;) (type 3) (param $req i32) (param $resp i32) (result i32)
      (local $r i32)
      block (result i32) ;; label = @1
        i32.const 4096
        i32.const 0
        i32.store8
        i32.const 4096
      end
      local.set $r
      local.get $req
      call $drop-request
      local.get $resp
      call $drop-response
      local.get $r
    )
    (data (;0;) (i32.const 0) "x-frozen")
    (data (;1;) (i32.const 16) "1")
    (@producers
      (processed-by "wit-component" "0.254.2")
    )
  )
  (core module $wit-component-shim-module (;1;)
    (type (;0;) (func (param i32 i32 i32 i32 i32 i32)))
    (table (;0;) 1 1 funcref)
    (export "0" (func 0))
    (export "$imports" (table 0))
    (func (;0;) (type 0) (param i32 i32 i32 i32 i32 i32)
      local.get 0
      local.get 1
      local.get 2
      local.get 3
      local.get 4
      local.get 5
      i32.const 0
      call_indirect (type 0)
    )
    (@producers
      (processed-by "wit-component" "0.254.2")
    )
  )
  (core module $wit-component-fixup (;2;)
    (type (;0;) (func (param i32 i32 i32 i32 i32 i32)))
    (import "" "0" (func (;0;) (type 0)))
    (import "" "$imports" (table (;0;) 1 1 funcref))
    (elem (;0;) (i32.const 0) func 0)
    (@producers
      (processed-by "wit-component" "0.254.2")
    )
  )
  (core instance $wit-component-shim-instance (;0;) (instantiate $wit-component-shim-module))
  (alias export $adit:policy/types@0.1.0 "request-verdict" (type $request-verdict (;4;)))
  (alias export $adit:policy/connections@0.1.0 "connection" (type $connection (;5;)))
  (alias export $adit:policy/http@0.1.0 "request" (type $request (;6;)))
  (alias export $adit:policy/types@0.1.0 "response-verdict" (type $response-verdict (;7;)))
  (alias export $adit:policy/http@0.1.0 "response" (type $response (;8;)))
  (alias core export $wit-component-shim-instance "0" (core func $"indirect-adit:policy/http@0.1.0-[method]request.set-header" (;0;)))
  (alias export $adit:policy/http@0.1.0 "request" (type $"#type9 request" (@name "request") (;9;)))
  (core func $resource.drop (;1;) (canon resource.drop $"#type9 request"))
  (alias export $adit:policy/http@0.1.0 "response" (type $"#type10 response" (@name "response") (;10;)))
  (core func $"#core-func2 resource.drop" (@name "resource.drop") (;2;) (canon resource.drop $"#type10 response"))
  (core instance $adit:policy/http@0.1.0 (;1;)
    (export "[method]request.set-header" (func $"indirect-adit:policy/http@0.1.0-[method]request.set-header"))
    (export "[resource-drop]request" (func $resource.drop))
    (export "[resource-drop]response" (func $"#core-func2 resource.drop"))
  )
  (alias export $adit:policy/connections@0.1.0 "connection" (type $"#type11 connection" (@name "connection") (;11;)))
  (core func $"#core-func3 resource.drop" (@name "resource.drop") (;3;) (canon resource.drop $"#type11 connection"))
  (core instance $adit:policy/connections@0.1.0 (;2;)
    (export "[resource-drop]connection" (func $"#core-func3 resource.drop"))
  )
  (core instance $main (;3;) (instantiate $main
      (with "adit:policy/http@0.1.0" (instance $adit:policy/http@0.1.0))
      (with "adit:policy/connections@0.1.0" (instance $adit:policy/connections@0.1.0))
    )
  )
  (alias core export $main "memory" (core memory $memory (;0;)))
  (alias core export $wit-component-shim-instance "$imports" (core table $"shim table" (;0;)))
  (alias export $adit:policy/http@0.1.0 "[method]request.set-header" (func $"[method]request.set-header" (;0;)))
  (alias core export $main "cabi_realloc" (core func $realloc (;4;)))
  (core func $"#core-func5 indirect-adit:policy/http@0.1.0-[method]request.set-header" (@name "indirect-adit:policy/http@0.1.0-[method]request.set-header") (;5;) (canon lower (func $"[method]request.set-header") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (core instance $fixup-args (;4;)
    (export "$imports" (table $"shim table"))
    (export "0" (func $"#core-func5 indirect-adit:policy/http@0.1.0-[method]request.set-header"))
  )
  (core instance $fixup (;5;) (instantiate $wit-component-fixup
      (with "" (instance $fixup-args))
    )
  )
  (type (;12;) (borrow $connection))
  (type (;13;) (borrow $request))
  (type (;14;) (func (param "conn" 12) (param "req" 13) (result $request-verdict)))
  (alias core export $main "adit:policy/request-hook@0.1.0#on-request" (core func $adit:policy/request-hook@0.1.0#on-request (;6;)))
  (func $on-request (;1;) (type 14) (canon lift (core func $adit:policy/request-hook@0.1.0#on-request) (memory $memory) string-encoding=utf8))
  (alias export $adit:policy/types@0.1.0 "field" (type $field (;15;)))
  (alias export $adit:policy/types@0.1.0 "reply" (type $reply (;16;)))
  (component $adit:policy/request-hook@0.1.0-shim-component (;0;)
    (type (;0;) (list u8))
    (type (;1;) (record (field "name" string) (field "value" 0)))
    (import "import-type-field" (type (;2;) (eq 1)))
    (type (;3;) (list 2))
    (type (;4;) (record (field "status" u16) (field "headers" 3) (field "body" 0)))
    (import "import-type-reply" (type (;5;) (eq 4)))
    (type (;6;) (variant (case "next") (case "respond" 5) (case "reroute" string) (case "abort" string)))
    (import "import-type-request-verdict" (type (;7;) (eq 6)))
    (import "import-type-connection" (type (;8;) (sub resource)))
    (import "import-type-request" (type (;9;) (sub resource)))
    (import "import-type-connection0" (type (;10;) (eq 8)))
    (type (;11;) (borrow 10))
    (import "import-type-request0" (type (;12;) (eq 9)))
    (type (;13;) (borrow 12))
    (import "import-type-request-verdict0" (type (;14;) (eq 7)))
    (type (;15;) (func (param "conn" 11) (param "req" 13) (result 14)))
    (import "import-func-on-request" (func (;0;) (type 15)))
    (export (;16;) "request-verdict" (type 7))
    (export (;17;) "connection" (type 8))
    (export (;18;) "request" (type 9))
    (type (;19;) (borrow 17))
    (type (;20;) (borrow 18))
    (type (;21;) (func (param "conn" 19) (param "req" 20) (result 16)))
    (export (;1;) "on-request" (func 0) (func (type 21)))
  )
  (instance $adit:policy/request-hook@0.1.0-shim-instance (;3;) (instantiate $adit:policy/request-hook@0.1.0-shim-component
      (with "import-func-on-request" (func $on-request))
      (with "import-type-field" (type $field))
      (with "import-type-reply" (type $reply))
      (with "import-type-request-verdict" (type $request-verdict))
      (with "import-type-connection" (type $connection))
      (with "import-type-request" (type $request))
      (with "import-type-connection0" (type $connection))
      (with "import-type-request0" (type $request))
      (with "import-type-request-verdict0" (type $request-verdict))
    )
  )
  (export $adit:policy/request-hook@0.1.0 (;4;) "adit:policy/request-hook@0.1.0" (instance $adit:policy/request-hook@0.1.0-shim-instance))
  (type (;17;) (borrow $request))
  (type (;18;) (borrow $response))
  (type (;19;) (func (param "req" 17) (param "resp" 18) (result $response-verdict)))
  (alias core export $main "adit:policy/response-hook@0.1.0#on-response" (core func $adit:policy/response-hook@0.1.0#on-response (;7;)))
  (func $on-response (;2;) (type 19) (canon lift (core func $adit:policy/response-hook@0.1.0#on-response) (memory $memory) string-encoding=utf8))
  (component $adit:policy/response-hook@0.1.0-shim-component (;1;)
    (type (;0;) (list u8))
    (type (;1;) (record (field "name" string) (field "value" 0)))
    (import "import-type-field" (type (;2;) (eq 1)))
    (type (;3;) (list 2))
    (type (;4;) (record (field "status" u16) (field "headers" 3) (field "body" 0)))
    (import "import-type-reply" (type (;5;) (eq 4)))
    (type (;6;) (variant (case "next") (case "respond" 5) (case "abort" string)))
    (import "import-type-response-verdict" (type (;7;) (eq 6)))
    (import "import-type-request" (type (;8;) (sub resource)))
    (import "import-type-response" (type (;9;) (sub resource)))
    (import "import-type-request0" (type (;10;) (eq 8)))
    (type (;11;) (borrow 10))
    (import "import-type-response0" (type (;12;) (eq 9)))
    (type (;13;) (borrow 12))
    (import "import-type-response-verdict0" (type (;14;) (eq 7)))
    (type (;15;) (func (param "req" 11) (param "resp" 13) (result 14)))
    (import "import-func-on-response" (func (;0;) (type 15)))
    (export (;16;) "response-verdict" (type 7))
    (export (;17;) "request" (type 8))
    (export (;18;) "response" (type 9))
    (type (;19;) (borrow 17))
    (type (;20;) (borrow 18))
    (type (;21;) (func (param "req" 19) (param "resp" 20) (result 16)))
    (export (;1;) "on-response" (func 0) (func (type 21)))
  )
  (instance $adit:policy/response-hook@0.1.0-shim-instance (;5;) (instantiate $adit:policy/response-hook@0.1.0-shim-component
      (with "import-func-on-response" (func $on-response))
      (with "import-type-field" (type $field))
      (with "import-type-reply" (type $reply))
      (with "import-type-response-verdict" (type $response-verdict))
      (with "import-type-request" (type $request))
      (with "import-type-response" (type $response))
      (with "import-type-request0" (type $request))
      (with "import-type-response0" (type $response))
      (with "import-type-response-verdict0" (type $response-verdict))
    )
  )
  (export $adit:policy/response-hook@0.1.0 (;6;) "adit:policy/response-hook@0.1.0" (instance $adit:policy/response-hook@0.1.0-shim-instance))
  (type (;20;) (result (error string)))
  (type (;21;) (func (param "config" string) (result 20)))
  (alias core export $main "adit:policy/setup@0.1.0#configure" (core func $adit:policy/setup@0.1.0#configure (;8;)))
  (func $configure (;3;) (type 21) (canon lift (core func $adit:policy/setup@0.1.0#configure) (memory $memory) (realloc $realloc) string-encoding=utf8))
  (component $adit:policy/setup@0.1.0-shim-component (;2;)
    (type (;0;) (result (error string)))
    (type (;1;) (func (param "config" string) (result 0)))
    (import "import-func-configure" (func (;0;) (type 1)))
    (type (;2;) (result (error string)))
    (type (;3;) (func (param "config" string) (result 2)))
    (export (;1;) "configure" (func 0) (func (type 3)))
  )
  (instance $adit:policy/setup@0.1.0-shim-instance (;7;) (instantiate $adit:policy/setup@0.1.0-shim-component
      (with "import-func-configure" (func $configure))
    )
  )
  (export $adit:policy/setup@0.1.0 (;8;) "adit:policy/setup@0.1.0" (instance $adit:policy/setup@0.1.0-shim-instance))
  (@producers
    (processed-by "wit-component" "0.254.2")
  )
)

