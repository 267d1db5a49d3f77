import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createKnownLinks } from "../../../src/render/safety/known_links.ts";

const URL_OF_TOOL = "https://tool.example/?id=1&x=(2)";

describe("[R9] createKnownLinks()", () => {
  const notations = [
    ["a sentence", `See ${URL_OF_TOOL}.`],
    ["brackets", `(${URL_OF_TOOL})`],
    ["Markdown", `[words](${URL_OF_TOOL}), **${URL_OF_TOOL}**`],
    ["JSON", JSON.stringify({ url: URL_OF_TOOL, next: 1 })],
    ["JSON with escapes", `{"url":"https:\\/\\/tool.example\\/?id=1\\u0026x\\u003d(2)"}`],
    ["HTML", `<a href='${URL_OF_TOOL.replace("&", "&amp;")}'>x</a>`],
    ["a table", `|${URL_OF_TOOL}|x|`],
    ["a list without spaces", `https://a.example/?b,${URL_OF_TOOL}`],
  ] as const;
  for (const [name, text] of notations) {
    it(`finds an address in ${name}`, () => {
      const links = createKnownLinks();
      links.add("tool", text);
      assert.equal(links.has(URL_OF_TOOL), true);
      for (
        const other of [`${URL_OF_TOOL}3`, URL_OF_TOOL.slice(0, -1), "https://tool.example/?id"]
      ) {
        assert.equal(links.has(other), false, other);
      }
    });
  }

  it("does not count an address that the model gave to a tool", () => {
    const links = createKnownLinks();
    links.add("model", JSON.stringify({ command: `echo ${URL_OF_TOOL}` }));
    links.add("tool", URL_OF_TOOL);
    assert.equal(links.has(URL_OF_TOOL), false);
    links.add("person", URL_OF_TOOL);
    assert.equal(links.has(URL_OF_TOOL), true);
  });

  it("does not count one behind which the model's call goes on", () => {
    for (const written of [JSON.stringify({ text: URL_OF_TOOL, when: "5m" }), `${URL_OF_TOOL}|x`]) {
      const links = createKnownLinks();
      links.add("model", written);
      links.add("tool", `${URL_OF_TOOL} ${written}`);
      assert.equal(links.has(URL_OF_TOOL), false, written);
    }
  });

  it("counts an address that a tool wrote before the model", () => {
    const links = createKnownLinks();
    links.add("tool", URL_OF_TOOL);
    links.add("model", URL_OF_TOOL);
    links.add("tool", URL_OF_TOOL);
    assert.equal(links.has(URL_OF_TOOL), true);
  });

  it("keeps no address that is longer than a message", () => {
    const links = createKnownLinks();
    const long = `https://tool.example/?${"x".repeat(2_000)}`;
    links.add("tool", long);
    assert.equal(links.has(long), false);
  });
});
