import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../../src/core/discord/attachment.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { createFindFile } from "../../../src/flows/media/find_files.ts";
import { directMessage, messageId } from "../../support/discord/builders.ts";

const attachment = (id: string, name: string): Attachment => ({
  id: parseSnowflake<"attachment">(id) ?? assert.fail("no snowflake"),
  name,
  url: `https://cdn.discordapp.com/${id}`,
  size: 1,
});

describe("[T6] createFindFile()", () => {
  const find = createFindFile({
    media: {
      get: async ({ messageId }, { id }, _maxBytes, _signal, use) =>
        await use({
          bytes: new TextEncoder().encode(`${messageId} ${id}`),
          kind: { kind: "empty" },
        }),
    },
    maxBytes: () => 1,
  });
  const first = directMessage({
    id: messageId("11"),
    attachments: [attachment("1", "a.csv"), attachment("2", "b.csv")],
  });
  const second = directMessage({
    id: messageId("12"),
    attachments: [attachment("4", "a.csv")],
    quoted: {
      id: messageId("9"),
      text: "",
      attachments: [attachment("3", "c.csv"), attachment("5", "a.csv")],
    },
  });
  const cases: readonly [name: string, read: string | undefined][] = [
    ["a.csv", "12 4"], // the last message, and its own before its quote's
    ["b.csv", "11 2"],
    ["c.csv", "12 3"],
    ["d.csv", undefined],
  ];
  for (const [name, expected] of cases) {
    it(`finds ${expected ?? "nothing"} for ${name}`, async () => {
      const bytes = await find([first, second], name, new AbortController().signal);
      assert.equal(bytes && new TextDecoder().decode(bytes), expected);
    });
  }
});
