import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FileError } from "../../src/core/turn/media.ts";
import { createMediaFolder } from "../../src/media/folder.ts";
import { createShownImages } from "../../src/media/kept_files.ts";
import { guildMessage } from "../support/discord/builders.ts";
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
