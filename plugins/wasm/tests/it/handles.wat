;; A policy that makes 600 handles of its own with each request, and keeps them.
(component
  (import "adit:policy/types@0.1.0" (instance $types
    (type $field-shape (record (field "name" string) (field "value" (list u8))))
    (export "field" (type $field (eq $field-shape)))
    (type $reply-shape (record
      (field "status" u16) (field "headers" (list $field)) (field "body" (list u8))))
    (export "reply" (type $reply (eq $reply-shape)))
    (type $verdict-shape (variant
      (case "next") (case "respond" $reply) (case "reroute" string) (case "abort" string)))
    (export "request-verdict" (type (eq $verdict-shape)))))
  (import "adit:policy/connections@0.1.0" (instance $connections
    (export "connection" (type (sub resource)))))
  (import "adit:policy/http@0.1.0" (instance $http
    (export "request" (type (sub resource)))))
  (alias export $types "request-verdict" (type $request-verdict))
  (alias export $connections "connection" (type $connection))
  (alias export $http "request" (type $request))

  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core func $drop-connection (canon resource.drop $connection))
  (core func $drop-request (canon resource.drop $request))
  (core module $code
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "drop-connection" (func $drop-connection (param i32)))
    (import "" "drop-request" (func $drop-request (param i32)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    ;; All of memory is zero: the first case of an answer.
    (func (export "configure") (param i32 i32) (result i32) (i32.const 16))
    (func (export "on-request") (param $conn i32) (param $req i32) (result i32)
      (local $n i32)
      (call $drop-connection (local.get $conn))
      (call $drop-request (local.get $req))
      (loop $more
        (drop (call $new (i32.const 7)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $n) (i32.const 600))))
      (i32.const 16)))
  (core instance $code (instantiate $code (with "" (instance
    (export "new" (func $new))
    (export "drop-connection" (func $drop-connection))
    (export "drop-request" (func $drop-request))))))

  (alias core export $code "memory" (core memory $memory))
  (alias core export $code "realloc" (core func $realloc))
  (alias core export $code "configure" (core func $core-configure))
  (alias core export $code "on-request" (core func $core-on-request))
  (type $configured (result (error string)))
  (func $configure (param "config" string) (result $configured)
    (canon lift (core func $core-configure) (memory $memory) (realloc $realloc)))
  (func $on-request
    (param "conn" (borrow $connection)) (param "req" (borrow $request)) (result $request-verdict)
    (canon lift (core func $core-on-request) (memory $memory)))
  (instance $setup (export "configure" (func $configure)))
  (instance $request-hook (export "on-request" (func $on-request)))
  (export "adit:policy/setup@0.1.0" (instance $setup))
  (export "adit:policy/request-hook@0.1.0" (instance $request-hook)))
