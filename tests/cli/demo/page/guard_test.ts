import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  addressesOf,
  createPageGuard,
  pageAccessOf,
} from "../../../../src/cli/demo/page_server.ts";

const ask = (path: string, host: string, method = "GET") =>
  new Request(`http://${host}${path}`, { method, headers: { host } });

describe("[O5] pageAccessOf()", () => {
  it("keeps the page on this machine, without a key, unless --host names another address", () => {
    assert.deepEqual(pageAccessOf(undefined), { names: ["127.0.0.1"] });
    assert.deepEqual(pageAccessOf("localhost"), { names: ["127.0.0.1"] });
    assert.deepEqual(pageAccessOf("::1"), { host: "::1", names: ["[::1]"] });
    assert.deepEqual(addressesOf(pageAccessOf(undefined), 8787), ["http://127.0.0.1:8787/"]);
  });

  it("makes a new key for each page that other machines can reach", () => {
    const access = pageAccessOf("192.0.2.7");
    assert.deepEqual(access.names, ["192.0.2.7"]);
    assert.equal(access.key?.length, 32);
    assert.notEqual(access.key, pageAccessOf("192.0.2.7").key);
    assert.deepEqual(addressesOf(access, 80), [`http://192.0.2.7:80/#${access.key}`]);
    assert.ok(pageAccessOf("0.0.0.0").names.every((name) => name !== "0.0.0.0"));
    assert.ok(pageAccessOf("0.0.0.0").names.length > 0);
  });
});

describe("[O5] createPageGuard()", () => {
  it("needs no key on this machine, and refuses other host names", () => {
    const refusalOf = createPageGuard(pageAccessOf(undefined));
    assert.equal(refusalOf(ask("/events", "127.0.0.1:8787")), undefined);
    assert.match(refusalOf(ask("/", "evil.example:8787")) ?? "", /the demo printed/);
  });

  it("needs the key for data and acts of a page that other machines can reach", () => {
    const access = pageAccessOf("192.0.2.7");
    const refusalOf = createPageGuard(access);
    const host = "192.0.2.7:8787";
    assert.equal(refusalOf(ask("/", host)), undefined);
    assert.equal(refusalOf(ask("/main.js", host)), undefined);
    for (
      const [path, method] of [["/events", "GET"], ["/files/1/2/a.txt", "GET"], ["/say", "POST"]]
    ) {
      assert.match(refusalOf(ask(path!, host, method)) ?? "", /ends with a key/);
      assert.match(refusalOf(ask(`${path}?key=wrong`, host, method)) ?? "", /ends with a key/);
      assert.equal(refusalOf(ask(`${path}?key=${access.key}`, host, method)), undefined);
    }
    assert.match(
      refusalOf(ask(`/events?key=${access.key}`, "evil.example")) ?? "",
      /the demo printed/,
    );
  });
});
