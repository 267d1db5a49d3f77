import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { FileError } from "../../src/core/turn/media.ts";
import { resultText } from "../../src/mcp/server.ts";

const DATA = Buffer.from("four").toString("base64");

/** Shows images, but none of more than 10 bytes. */
function screen() {
  const shown: string[] = [];
  const showImage = (bytes: Uint8Array) => {
    if (bytes.length > 10) return Promise.reject(new FileError("it is too large"));
    shown.push(new TextDecoder().decode(bytes));
    return Promise.resolve({ id: `${shown.length}`, name: `7-${shown.length}` });
  };
  return { shown, showImage };
}

describe("[T13] resultText()", () => {
  it("shows images, also those of resources, and names all else that is no text", async () => {
    const { shown, showImage } = screen();
    const content = [
      { type: "text", text: "A chart:" },
      { type: "image", data: DATA, mimeType: "image/png" },
      { type: "resource", resource: { uri: "a://1", mimeType: "image/gif", blob: DATA } },
      { type: "resource", resource: { uri: "a://2", mimeType: "application/pdf", blob: DATA } },
      { type: "resource", resource: { uri: "a://3", text: "the tide" } },
      { type: "audio", data: DATA, mimeType: "audio/wav" },
      {
        type: "resource_link",
        uri: "a://4",
        name: "log",
        mimeType: "text/plain",
        description: "all",
      },
    ];
    const text = await resultText({ content }, showImage);
    assert.deepEqual(text.split("\n\n"), [
      "A chart:",
      "[image image/png, 4 bytes, image:7-1: shown after the results]",
      "[resource a://1 image/gif, 4 bytes, image:7-2: shown after the results]",
      "[resource a://2 application/pdf, 4 bytes: not shown: only text and images are]",
      "[resource a://3]\nthe tide",
      "[audio audio/wav, 4 bytes: not shown: only text and images are]",
      "[link to the resource log a://4 text/plain: all; not read]",
    ]);
    assert.deepEqual(shown, ["four", "four"]);
  });

  it("names an image that the model cannot get, with the reason", async () => {
    const { showImage } = screen();
    const data = Buffer.alloc(2_000).toString("base64");
    const content = [{ type: "image", data, mimeType: "image/png" }];
    assert.equal(
      await resultText({ content }, showImage),
      "[image image/png, 2 kB: not shown: it is too large]",
    );
    assert.equal(await resultText({ content }), "[image image/png, 2 kB: not shown]");
  });

  it("writes structured content if there is nothing else, and says if there is nothing", async () => {
    assert.equal(await resultText({ content: [], structuredContent: { a: 1 } }), '{"a":1}');
    assert.equal(await resultText({ content: [] }), "The tool returned nothing.");
    assert.equal(await resultText(null), "The tool returned nothing.");
  });
});
