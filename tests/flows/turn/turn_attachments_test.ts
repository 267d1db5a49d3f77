import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Attachment } from "../../../src/core/discord/attachment.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { FileResult } from "../../../src/core/turn/media.ts";
import { MAX_IMAGES, MAX_IMAGES_BYTES } from "../../../src/flows/media/read_attachments.ts";
import { createTurnAttachments } from "../../../src/flows/turn/turn_attachments.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";

const NEVER = new AbortController().signal;
const ATTACHMENT: Attachment = {
  id: parseSnowflake<"attachment">("7") ?? assert.fail("no snowflake"),
  name: "a.png",
  size: 1,
  url: "https://cdn.discordapp.com/attachments/1/7/a.png",
};

function withFile(id: string): InboundMessage {
  return guildMessage({ id: messageId(id), attachments: [ATTACHMENT] });
}

const image = (bytes: number): FileResult => ({
  kind: "image",
  image: { mediaType: "image/png", data: new Uint8Array(bytes) },
});

/** Files by message; notes which message had how much room. */
function attachmentsOf(results: Readonly<Record<string, FileResult>>, maxChars = 1_000) {
  const rooms: Record<string, readonly [bytes: number | undefined, count: number | undefined]> = {};
  const attachments = createTurnAttachments({
    read({ id }, { room }) {
      rooms[id] = [room?.bytes, room?.count];
      const result = results[id];
      return Promise.resolve(result ? [{ attachment: ATTACHMENT, owner: "message", result }] : []);
    },
  }, { agentId: "main", takesImages: true, maxChars });
  return { attachments, rooms };
}

describe("[H7] createTurnAttachments()", () => {
  it("reads the files of each message once, and gives its images", async () => {
    const { attachments, rooms } = attachmentsOf({ "1": image(10) });
    await attachments.read([withFile("1"), guildMessage({ id: messageId("2") })], NEVER);
    await attachments.read([withFile("1")], NEVER);
    assert.deepEqual(rooms, { "1": [MAX_IMAGES_BYTES, MAX_IMAGES] });
    assert.equal(attachments.imagesOf([messageId("1"), messageId("2")]).length, 1);
    assert.deepEqual(attachments.of(messageId("2")), []);
  });

  it("shares the room for images among messages with files", async () => {
    const { attachments, rooms } = attachmentsOf({});
    await attachments.read(
      [withFile("1"), guildMessage({ id: messageId("2") }), withFile("3")],
      NEVER,
    );
    const half = [MAX_IMAGES_BYTES / 2, MAX_IMAGES / 2];
    assert.deepEqual(rooms, { "1": half, "3": half });
  });

  it("[S5] gives messages that join later the rest of the room", async () => {
    const { attachments, rooms } = attachmentsOf({ "1": image(10), "2": image(MAX_IMAGES_BYTES) });
    await attachments.read([withFile("1")], NEVER);
    attachments.showsEarlier([{ mediaType: "image/png", data: new Uint8Array(5) }]);
    await attachments.read([withFile("1"), withFile("2")], NEVER);
    await attachments.read([withFile("3")], NEVER);
    assert.deepEqual(rooms["2"], [MAX_IMAGES_BYTES - 15, MAX_IMAGES - 2]);
    assert.deepEqual(rooms["3"], [0, MAX_IMAGES - 3]);
  });

  it("[T13] keeps images of results within the room of the request, and reads them after a crash", async () => {
    const kept = new Map<string, Uint8Array>();
    const imageOf = (data: Uint8Array) => ({ mediaType: "image/png", data });
    const disk = {
      read: () => Promise.resolve([]),
      shown: {
        keep(_message: InboundMessage, data: Uint8Array) {
          const id = `${kept.size}`;
          kept.set(id, data);
          return Promise.resolve({ id, image: imageOf(data) });
        },
        read: (_id: unknown, ids: readonly string[]) =>
          Promise.resolve(ids.flatMap((id) => {
            const data = kept.get(id);
            return data ? [{ id, image: imageOf(data) }] : [];
          })),
      },
    };
    const rules = { agentId: "main", takesImages: true, maxChars: 1 };
    const attachments = createTurnAttachments(disk, rules);
    attachments.showsEarlier([imageOf(new Uint8Array(MAX_IMAGES_BYTES - 10))]);
    assert.deepEqual(await attachments.keepImage(withFile("1"), new Uint8Array(6)), {
      id: "0",
      name: "1-0",
    });
    assert.deepEqual(await attachments.keepImage(withFile("1"), new Uint8Array(6)), {
      id: "1",
      name: "1-1",
      unseen: "there are too many images at once",
    });
    assert.equal(attachments.keptImages(["0", "1"]).length, 1);

    const step = {
      kind: "result",
      callId: "a",
      end: "done",
      text: "",
      images: ["0"],
      at: 0,
    } as const;
    const next = createTurnAttachments(disk, rules);
    await next.readKept(messageId("1"), [step]);
    assert.equal(next.keptImages(["0"])[0]?.data.length, 6);

    const blind = createTurnAttachments(disk, { ...rules, takesImages: false });
    assert.deepEqual(await blind.keepImage(withFile("1"), new Uint8Array(6)), {
      id: "2",
      name: "1-2",
      unseen: "the model takes no images",
    });
    await blind.readKept(messageId("1"), [step]);
    assert.deepEqual(blind.keptImages(["0"]), []);
  });

  it("[S5] gives messages that join later the rest of the characters", async () => {
    const text: FileResult = { kind: "text", text: "x".repeat(600), what: "text file" };
    const { attachments } = attachmentsOf({ "1": text, "2": text, "3": text });
    await attachments.read([withFile("1")], NEVER);
    await attachments.read([withFile("2")], NEVER);
    await attachments.read([withFile("3")], NEVER);
    const chars = ["1", "2", "3"].map((id) => attachments.charsFor(messageId(id)));
    assert.deepEqual(chars, [1_000, 400, 0]);
  });
});
