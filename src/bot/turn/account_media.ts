/** Connects the files of turns with the network, the disk and the config. */

import type { AccountContext } from "../account_context.ts";
import type { AccountOptions } from "../account_interface.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import { createAudioSpending } from "../../core/turn/audio_spending.ts";
import { createRefreshUrl } from "../../discord/rest/requests/single_message.ts";
import { DISCORD_API_BASE } from "../../discord/rest/exchange/exchange.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createFindFile, type FindFile, type ReadMade } from "../../flows/media/find_files.ts";
import type { ReadImage } from "../../flows/media/outbound_files.ts";
import {
  type AttachmentReader,
  createAttachmentReader,
} from "../../flows/media/read_attachments.ts";
import { createSpeakAnswer, type SpeakAnswer } from "../../flows/media/speak.ts";
import {
  createDownload,
  createIsMediaUrl,
  type Download,
  type IsMediaUrl,
} from "../../media/download.ts";
import { createDrawings, createSentFiles, createShownImages } from "../../media/kept_files.ts";
import { imageProblem } from "../../media/image.ts";
import { createMedia } from "../../media/media.ts";
import type { RunningSettings } from "../rules/setup.ts";

export interface AccountMedia extends AttachmentReader {
  readonly download: Download;
  readonly find: FindFile;
  readonly drawings: ReturnType<typeof createDrawings>;
  readonly isMediaUrl: IsMediaUrl;
  readonly sent: ReturnType<typeof createSentFiles>;
  /** Reads an image of a tool's result, or a drawn one. */
  readonly image: ReadImage;
  readonly made: ReadMade;
  readonly shown: ReturnType<typeof createShownImages>;
  readonly speak: SpeakAnswer;
}

export function createAccountMedia(
  account: AccountContext,
  { settings, client, options: { apiBase, media: { folder, extractor, room } }, spend }: {
    readonly settings: Pick<RunningSettings, "speech">;
    readonly client: RestClient;
    readonly options: Pick<AccountOptions, "apiBase" | "media">;
    readonly spend: SpendPort;
  },
): AccountMedia {
  const { config, schedule, stopping, now } = account;
  const audio = createAudioSpending({ spend, now });
  const { log } = account.forPart("turns");
  const isMediaUrl = createIsMediaUrl(apiBase, DISCORD_API_BASE);
  const download = createDownload({
    fetch,
    isMediaUrl,
    refresh: createRefreshUrl(client),
    now,
    schedule,
  });
  const media = createMedia(folder, download, log, room);
  const maxBytes = () => config().discord.mediaMaxBytes;
  const attachments = createAttachmentReader({
    media,
    extractor,
    imageProblem,
    transcription: () => settings.speech.transcription,
    audio,
    now,
    maxBytes,
    schedule,
    log,
  }, stopping);
  const speak = createSpeakAnswer({
    voice: () => settings.speech.voice,
    extractor,
    audio,
    log,
    now,
  });
  const drawings = createDrawings(folder, now);
  const sent = createSentFiles(folder);
  const shown = createShownImages(folder, maxBytes, now, log);
  return {
    ...attachments,
    download,
    isMediaUrl,
    drawings,
    sent,
    made: { drawn: drawings.read, sent: sent.read },
    shown,
    image: async (messageId, id, askerId) =>
      await shown.file(messageId, id, askerId) ?? await drawings.file(messageId, id, askerId),
    find: createFindFile({ media, maxBytes }),
    speak,
  };
}
