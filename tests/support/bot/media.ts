/** Files of people in memory, for accounts of tests. */

import type { ProcessMedia } from "../../../src/bot/process_media.ts";
import type { ExtractJob, JobResult } from "../../../src/extract/extractor.ts";
import { FileError } from "../../../src/core/turn/media.ts";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import { createPlaces } from "../../../src/lib/places.ts";
import type { MediaFolder } from "../../../src/media/folder.ts";

type Place = Parameters<MediaFolder["keep"]>[0];

/** @param extract What the thread reads in a document or a sound; an error is thrown. */
export function mediaInMemory(
  extract: (job: ExtractJob) => unknown = () => new FileError("no thread reads files here"),
): ProcessMedia {
  const kept = new Map<string, Place & { ending: string; bytes: Uint8Array<ArrayBuffer> }>();
  const folder: MediaFolder = {
    list: (messageId: MessageId) =>
      Promise.resolve(
        [...kept].flatMap(([path, one]) => one.messageId === messageId ? [{ ...one, path }] : []),
      ),
    read({ path }, maxBytes) {
      const { bytes } = kept.get(path) ?? {};
      return Promise.resolve(bytes && bytes.length <= maxBytes ? bytes.slice() : undefined);
    },
    keep(place, ending, bytes) {
      const path = `${place.messageId} ${place.fileId} ${ending}`;
      kept.set(path, { ...place, ending, bytes: new Uint8Array(bytes) });
      return Promise.resolve();
    },
    prune: () => Promise.resolve(),
    forget: () => Promise.resolve(),
  };
  return {
    folder,
    room: createPlaces(10_000_000),
    stop() {},
    extractor: {
      run: <J extends ExtractJob>(job: J) =>
        Promise.try(() => {
          const result = extract(job);
          if (result instanceof Error) throw result;
          return result as JobResult<J["kind"]>;
        }),
    },
  };
}
