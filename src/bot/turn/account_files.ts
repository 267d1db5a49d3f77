/** Connects the files of turns with the network, the disk and the config. */

import type { AccountContext } from "../account_context.ts";
import { createRefreshUrl } from "../../discord/rest/calls/single_message.ts";
import { DISCORD_API_BASE } from "../../discord/rest/exchange/exchange.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import type { ReadAudioPorts } from "../../flows/media/read_audio.ts";
import { createFindFile, type FindFile, type ReadDrawn } from "../../flows/media/find_files.ts";
import { createTurnFiles, type TurnFiles } from "../../flows/media/read_files.ts";
import { createSpeakAnswer, type SpeakAnswer } from "../../flows/media/speak.ts";
import { createDownload, createIsMediaUrl, type Download } from "../../media/download.ts";
import {
  createDrawings,
  createShownImages,
  type Drawings,
  type ShownImages,
} from "../../media/shown_images.ts";
import { imageProblem } from "../../media/image.ts";
import { createMedia } from "../../media/media.ts";
import type { ProcessFiles } from "../process_files.ts";
import type { Speech } from "../rules/setup.ts";

/** The files of an account's turns, in and out. */
export interface AccountFiles extends TurnFiles {
  readonly download: Download;
  readonly find: FindFile;
  readonly drawings: Drawings;
  readonly drawn: ReadDrawn;
  readonly shown: ShownImages;
  readonly speak: SpeakAnswer;
}

/** Creates the files of one account. */
export function createAccountFiles(
  account: AccountContext,
  { speech, client, apiBase, files: { folder, extractor }, audio }:
    & Pick<ReadAudioPorts, "audio">
    & {
      readonly speech: () => Speech;
      readonly client: RestClient;
      /** Base URL of Discord's REST API, or of a simulator. */
      readonly apiBase: string;
      readonly files: ProcessFiles;
    },
): AccountFiles {
  const { config, schedule, stopping, now } = account;
  const { log } = account.forPart("turns");
  const download = createDownload({
    fetch,
    isMediaUrl: createIsMediaUrl(apiBase, DISCORD_API_BASE),
    refresh: createRefreshUrl(client),
    now,
    schedule,
  });
  const media = createMedia(folder, download, log);
  const maxBytes = () => config().discord.mediaMaxBytes;
  const turnFiles = createTurnFiles({
    media,
    extractor,
    imageProblem,
    transcription: () => speech().transcription,
    audio,
    now,
    maxBytes,
    schedule,
    log,
  }, stopping);
  const speak = createSpeakAnswer({ voice: () => speech().voice, extractor, audio, log, now });
  const drawings = createDrawings(folder, now);
  return {
    ...turnFiles,
    download,
    drawings,
    drawn: drawings.read,
    shown: createShownImages(folder, maxBytes, now, log),
    find: createFindFile({ media, maxBytes }),
    speak,
  };
}
