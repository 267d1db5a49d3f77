import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileIdOfCall } from "../../src/core/outbound/outbound.ts";
import { FileError } from "../../src/core/turn/media.ts";
import { createMediaFolder } from "../../src/media/folder.ts";
import { createDrawings, createSentFiles, createShownImages } from "../../src/media/kept_files.ts";
import { guildMessage, userId } from "../support/discord/builders.ts";
import { type Bytes, pdf, png } from "../support/files/samples.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const MESSAGE = guildMessage();

/** Images in a folder of their own. */
async function withImages(
  play: (images: ReturnType<typeof createShownImages>, root: string) => Promise<void>,
): Promise<void> {
  using directory = tempDirectory();
  const folder = createMediaFolder(directory.path);
  const images = createShownImages(folder, () => 1_000_000, () => 5, recordingLog().log);
  await play(images, directory.path);
}

describe("[T13] createShownImages()", () => {
  it("keeps images under ids of their own, and reads those that are asked for", () =>
    withImages(async (images, root) => {
      const first = await images.keep(MESSAGE, png(2, 2));
      const second = await images.keep(MESSAGE, png(3, 3));
      assert.equal(first.image.mediaType, "image/png");
      const found = await images.read(MESSAGE.id, [second.id, "77", first.id]);
      assert.deepEqual(found, [second, first]);
      assert.equal(readdirSync(join(root, MESSAGE.id)).length, 2);
      const file = await images.file(MESSAGE.id, first.id, MESSAGE.sender.id);
      assert.equal(file?.name, "image.png");
      assert.equal(await images.file(MESSAGE.id, first.id, userId("99")), undefined);
    }));

  const refused: readonly [what: string, bytes: Bytes, why: RegExp][] = [
    ["too many bytes", new Uint8Array(1_000_001), /^1 MB, and the limit is 1 MB$/],
    ["too many pixels", png(65_535, 65_535), /4295 megapixels/],
    ["another type", pdf(["no image"]), /no image that models take/],
  ];
  for (const [what, bytes, why] of refused) {
    it(`[SEC-R25] refuses an image with ${what}`, () =>
      withImages(async (images, root) => {
        await assert.rejects(
          images.keep(MESSAGE, bytes),
          (error: unknown) => error instanceof FileError && why.test(error.message),
        );
        assert.deepEqual(readdirSync(root), []);
      }));
  }
});

describe("[R12] files for people", () => {
  it("a drawn image is for the person whose turn drew it", async () => {
    using directory = tempDirectory();
    const drawings = createDrawings(createMediaFolder(directory.path), () => 5);
    const id = await drawings.keep(MESSAGE, png(2, 2));
    const file = await drawings.file(MESSAGE.id, id, MESSAGE.sender.id);
    assert.equal(file?.name, "drawing-1.png");
    assert.equal(await drawings.file(MESSAGE.id, id, userId("99")), undefined);
  });

  it("[SEC-R24] a file keeps its name in its content, and in no path", async () => {
    using directory = tempDirectory();
    const files = createSentFiles(createMediaFolder(directory.path));
    const file = {
      name: "../tides.csv",
      alt: "Tides",
      isSpoiler: true,
      contentType: "text/csv",
      bytes: png(1, 1),
    };
    await files.keep(MESSAGE, fileIdOfCall("1:a"), file);
    assert.deepEqual(await files.read(MESSAGE.id, fileIdOfCall("1:a")), file);
    assert.deepEqual(await files.ids(MESSAGE.id), [fileIdOfCall("1:a")]);
    assert.equal(await files.read(MESSAGE.id, fileIdOfCall("1:b")), undefined);
    for (const name of readdirSync(join(directory.path, MESSAGE.id))) {
      assert.match(name, /^\d+-\d+\.(?:sent|about)$/);
    }
  });
});
