import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WebPage } from "../../src/core/turn/host.ts";
import { webFetch } from "../../src/tools/web.ts";
import { accountWith, NO_TOOLS, toolContext } from "../support/model/tools.ts";

async function run(page: Partial<WebPage>, offset?: number): Promise<string> {
  const url = "https://example.org/";
  const web = {
    ...NO_TOOLS.of("").web,
    page: () => Promise.resolve({ url, text: "", isCut: false, ...page }),
  };
  const input = webFetch.input.parse({ url, offset });
  return await webFetch.run(input, toolContext({ account: accountWith({ web }) }));
}

describe("[T6] web_fetch", () => {
  it("returns title, final address and text", async () => {
    assert.equal(
      await run({ title: "Tides", url: "https://example.org/final", text: "High at noon." }),
      "Title: Tides\nAddress: https://example.org/final\n\nHigh at noon.",
    );
  });

  it("returns a long page in parts that fit into a result", async () => {
    const text = `${"x".repeat(7_000)}${"y".repeat(3_000)}`;
    const first = await run({ text });
    assert.match(first, /Characters 0 to 7000 of 10000; for more, use the offset 7000/);
    assert.ok(first.length < 8_000);
    const second = await run({ text }, 7_000);
    assert.match(second, /Characters 7000 to 10000 of 10000\n/);
    assert.ok(second.endsWith("y".repeat(3_000)));
  });

  it("cuts no character in two", async () => {
    const text = `${"x".repeat(6_999)}😀z`;
    assert.ok((await run({ text })).isWellFormed());
    assert.ok((await run({ text }, 6_999)).endsWith("😀z"));
  });

  it("says if the page has no text, or ends early", async () => {
    assert.match(await run({}), /There is no text here/);
    assert.match(await run({ text: "x", isCut: true }), /its end was not read/);
    assert.match(await run({ text: "x" }, 100), /Characters 1 to 1 of 1\n\nThere is no text here/);
  });
});
