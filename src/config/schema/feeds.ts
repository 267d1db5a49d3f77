/** Keys for feeds of the web (T15), and for skills (T7). */

import { z } from "zod";
import { parseTarget } from "../../core/outbound/target.ts";
import { FEED_PLACEHOLDERS } from "../../core/feed.ts";
import { address, key, lazySection, text, whole } from "./parts/key.ts";
import { answerKeys } from "./hooks.ts";

/** A name of the config that stands in commands and logs. */
const feedName = () =>
  z.string().regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/,
    "Expected a name of A-Z, a-z, 0-9, - and _, at most 32 characters",
  );

/** A place to post to, as `barnacle send` takes it. */
const place = () =>
  z.string().superRefine((written, context) => {
    const target = parseTarget(written);
    if (target.kind !== "problem") return;
    context.addIssue({ code: "custom", message: target.problem, params: { hint: target.hint } });
  });

const template = () =>
  text().check(
    z.refine((written: string) =>
      (written.match(/\{(\w*)\}/g) ?? []).every((one) =>
        FEED_PLACEHOLDERS.some((name) => one === `{${name}}`)
      ), {
      error: `Expected only the placeholders ${
        FEED_PLACEHOLDERS.map((one) =>
          `{${one}}`
        ).join(", ")
      }`,
    }),
    z.maxLength(1_500),
  );

export const feeds = lazySection(
  () =>
    z.record(
      feedName(),
      z.strictObject({
        url: key(
          address("a feed with a password cannot be read"),
          "Address of the feed: RSS, Atom, RDF or JSON Feed.",
          { example: "https://github.com/jellyfin/jellyfin/releases.atom" },
        ),
        to: key(
          place(),
          'Place of its messages: `"channel:<id>"`, `"user:<id>"` for a direct message, or the link ' +
            "of a channel or thread.",
          { example: "channel:123456789012345678" },
        ),
        ownNetwork: key(
          z.boolean().default(false),
          "Whether the address may be on your own network, and have any port. Redirects are not " +
            "followed then.",
        ),
        model: key(
          z.boolean().default(true),
          "Whether an agent reads new entries, as events of a hook. With `false`, each is posted by " +
            "`template`, without a request to a model.",
        ),
        template: key(
          template().default("**{title}**\n{link}"),
          "Message about a new entry. `{title}`, `{link}`, `{summary}`, `{author}`, `{feed}` and " +
            "`{date}` stand for its parts. A line whose parts are all missing is left out.",
          { example: "{feed}: **{title}** by {author}\n{link}" },
        ),
        everyMin: key(
          whole(5, 10_080).default(30),
          "How long to wait between two polls. A feed that cannot be read is asked less often, at " +
            "least once a day.",
          { unit: "minutes", example: 120 },
        ),
        most: key(
          whole(1, 20).default(5),
          "Maximum number of new entries of one poll. A last message tells the number of the others.",
          { unit: "entries", example: 10 },
        ),
        account: key(
          text().optional(),
          "Account that posts, by its key in `channels.discord.accounts`.",
          { unset: "the first account", example: "default" },
        ),
        ...answerKeys(),
      }),
    ).default({}),
  {},
  "Feeds of the web whose new entries are posted. The first poll of a feed posts nothing: its entries " +
    "count as old.",
  {
    task: "operating",
    entry: "<feed>",
    example: {
      jellyfin: {
        url: "https://github.com/jellyfin/jellyfin/releases.atom",
        to: "channel:123456789012345678",
        model: false,
      },
    },
  },
);

export const skills = lazySection(
  () =>
    z.strictObject({
      folders: key(
        z.array(text()).default([]),
        "Folders that contain skills, each in a folder of its own with a `SKILL.md`. A relative path counts from the config's folder.",
        { example: ["/srv/skills"] },
      ),
    }).prefault({}),
  { folders: [] },
  "Skills of the agents.",
  { task: "agents" },
);
