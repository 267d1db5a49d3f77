import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { docs } from "../../src/config/key.ts";
import { messages } from "../../src/config/schema_messages.ts";
import { SENTENCES, type TextKey } from "../../src/render/notices.ts";
import { configOf, told } from "./support.ts";

const keys = Object.keys(SENTENCES) as TextKey[];
const texts = messages.shape.texts.unwrap().shape;

describe("[R13] messages.texts", () => {
  it("has each of Barnacle's sentences, and no other", () => {
    assert.deepEqual(Object.keys(texts).sort(), [...keys].sort());
  });

  for (const key of keys) {
    it(`${key} says what is filled in, and what is said without it`, () => {
      const doc = docs.get(texts[key]);
      for (const word of Object.keys(SENTENCES[key].words)) {
        assert.ok(doc?.description.includes(`{${word}}`), word);
      }
      assert.equal(doc?.unset, JSON.stringify(SENTENCES[key].text));
    });
  }

  it("reach the program as they are written", async () => {
    const config = await configOf('{ "messages": { "texts": { "tooLong": "Mehr: {file}" } } }');
    assert.deepEqual(config.texts, { tooLong: "Mehr: {file}" });
  });
});

describe("[R9] messages.linkHosts", () => {
  it("takes hosts, and all below one", async () => {
    const hosts = ["example.org", "*.example.org"];
    const config = await configOf(`{ "messages": { "linkHosts": ${JSON.stringify(hosts)} } }`);
    assert.deepEqual(config.messages.linkHosts, hosts);
  });

  for (const host of ["https://example.org", "example.org/x", "a.*.org", "", "example.org:80"]) {
    it(`refuses ${JSON.stringify(host)}`, async () => {
      const found = await told(`{ "messages": { "linkHosts": [${JSON.stringify(host)}] } }`);
      assert.match(found.join("\n"), /messages\.linkHosts.*Expected a host/);
    });
  }
});
