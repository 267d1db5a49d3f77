import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, problemLines } from "../support.ts";

describe("[R9] messages.linkHosts", () => {
  it("takes hosts, and all subdomains of one", async () => {
    const hosts = ["example.org", "*.example.org", "*"];
    const config = await configOf(`{ "messages": { "linkHosts": ${JSON.stringify(hosts)} } }`);
    assert.deepEqual(config.messages.linkHosts, hosts);
  });

  for (const host of ["https://example.org", "example.org/x", "a.*.org", "", "example.org:80"]) {
    it(`refuses ${JSON.stringify(host)}`, async () => {
      const found = await problemLines(
        `{ "messages": { "linkHosts": [${JSON.stringify(host)}] } }`,
      );
      assert.match(found.join("\n"), /messages\.linkHosts.*Expected a host/);
    });
  }
});

describe("[R7] messages.ackReaction", () => {
  for (const emoji of ["👀", "❤", "❤️", "👍🏽", "🏳️‍🌈", "🇩🇪", "<:krill:123456789012345678>"]) {
    it(`may be ${emoji}`, async () => {
      const config = await configOf(`{ "messages": { "ackReaction": "${emoji}" } }`);
      assert.equal(config.messages.ackReaction, emoji);
    });
  }

  it("may be empty", async () => {
    const config = await configOf('{ "messages": { "ackReaction": "" } }');
    assert.equal(config.messages.ackReaction, undefined);
  });

  for (const other of ["eyes", ":eyes:", "👀👀", "..", " ", "<:krill:1>", "\\ud83d", "1"]) {
    it(`may not be ${other}`, async () => {
      const found = await problemLines(`{ "messages": { "ackReaction": "${other}" } }`);
      assert.match(found.join("\n"), /error messages\.ackReaction: Expected one emoji/);
    });
  }
});
