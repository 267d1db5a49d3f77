/**
 * Gets new links to files, because links to them expire (H7).
 *
 * @module
 */

import { z } from "zod";
import type { RestApi } from "../client/client.ts";

/** Asks for a new link to a file; `undefined` if Discord has none. */
export type RefreshUrl = (url: string, signal: AbortSignal) => Promise<string | undefined>;

const answerSchema = z.object({
  refreshed_urls: z.array(z.object({ original: z.string(), refreshed: z.string().nullish() })),
});

/**
 * Creates a {@link RefreshUrl}.
 *
 * @see {@link https://docs.discord.com/developers/reference#signed-attachment-cdn-urls}
 */
export function createRefreshUrl(api: RestApi): RefreshUrl {
  return async (url, signal) => {
    // Discordeno turns names in camel case into Discord's.
    const answer = await api.request("POST", "/attachments/refresh-urls", {
      body: { attachmentUrls: [url] },
      signal,
    });
    const parsed = answerSchema.safeParse(answer);
    return parsed.success
      ? parsed.data.refreshed_urls.find(({ original }) => original === url)?.refreshed ?? undefined
      : undefined;
  };
}
