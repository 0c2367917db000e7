import { describe, expect, test } from "vitest";
import { kindOf } from "./address.ts";
import { canonicalHost, parseHostRule, reachOf } from "./allowed-hosts.ts";

const reach = (patterns: string[], host: string, port = 443) => reachOf(patterns.map(parseHostRule), host, port);

test.each([
  ["example.com", { host: "example.com", port: 443 }, "public"],
  ["example.com", { host: "example.com", port: 80 }, null],
  ["example.com", { host: "api.example.com", port: 443 }, null],
  ["EXAMPLE.com ", { host: "example.com", port: 443 }, "public"],
  ["*.example.com", { host: "a.b.example.com", port: 443 }, "public"],
  ["*.example.com", { host: "example.com", port: 443 }, null],
  ["*.example.com", { host: "evilexample.com", port: 443 }, null],
  ["example.com:8080", { host: "example.com", port: 8080 }, "private"],
  ["example.com:8080", { host: "example.com", port: 443 }, null],
  ["example.com:*", { host: "example.com", port: 22 }, "public"],
  ["*", { host: "anything.example", port: 443 }, "public"],
  ["*", { host: "10.0.0.1", port: 443 }, "public"],
  ["*:*", { host: "anything.example", port: 8080 }, "public"],
  ["10.0.0.7:5432", { host: "10.0.0.7", port: 5432 }, "address"],
  ["10.0.0.7", { host: "10.0.0.7", port: 443 }, "address"],
  ["[::1]:8443", { host: "::1", port: 8443 }, "address"],
  ["::1", { host: "::1", port: 443 }, "address"],
])("%s lets to %j: %s", (pattern, { host, port }, expected) => {
  expect(reach([pattern], host, port)).toBe(expected);
});

test("of several lines the one that goes furthest counts", () => {
  expect(reach(["*", "db.example:443"], "db.example")).toBe("private");
  expect(reach([], "example.com")).toBeNull();
});

test.each([
  "",
  "https://example.com",
  "exa mple.com",
  "example.com:0",
  "example.com:70000",
  "*.10.0.0.1",
  "a/b",
  "a@b",
  "*.*",
])("%j is no host, and is refused by name", (pattern) => {
  expect(() => parseHostRule(pattern)).toThrow(JSON.stringify(pattern));
});

test.each([
  ["Example.COM.", "example.com"],
  ["0x7f.1", "127.0.0.1"],
  ["2130706433", "127.0.0.1"],
  ["[0:0::1]", "::1"],
  ["::FFFF:127.0.0.1", "::ffff:7f00:1"],
  ["b%C3%BCcher.example", "xn--bcher-kva.example"],
  ["a:80", null],
  ["u@a", null],
  ["", null],
])("the one spelling of %s is %s", (text, host) => {
  expect(canonicalHost(text)).toBe(host);
});

describe("addresses", () => {
  const own = new Set(["93.184.216.99", "2606:4700::99"]);
  test.each([
    ["93.184.216.34", "public"],
    ["2606:4700::1", "public"],
    ["93.184.216.99", "private"],
    ["2606:4700::99", "private"],
    ["127.0.0.1", "private"],
    ["10.1.2.3", "private"],
    ["172.31.0.1", "private"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "private"],
    ["::1", "private"],
    ["fd00::1", "private"],
    ["::ffff:10.0.0.1", "private"],
    ["64:ff9b::7f00:1", "private"],
    ["::ffff:93.184.216.34", "public"],
    ["169.254.169.254", "forbidden"],
    ["::ffff:169.254.169.254", "forbidden"],
    ["fe80::1", "forbidden"],
    ["fd00:ec2::254", "forbidden"],
    ["100.100.100.200", "forbidden"],
    ["168.63.129.16", "forbidden"],
    ["0.0.0.0", "forbidden"],
    ["::", "forbidden"],
    ["224.0.0.1", "forbidden"],
    ["255.255.255.255", "forbidden"],
    ["ff02::1", "forbidden"],
    ["2002:7f00:1::", "forbidden"],
    ["2001::1", "forbidden"],
    ["fe80::1%eth0", "forbidden"],
    ["no address", "forbidden"],
  ])("%s is %s", (address, kind) => {
    expect(kindOf(address, own)).toBe(kind);
  });
});
