/**
 * Parses the body of a message that a client creates or edits.
 *
 * It is stricter than Discord in two ways, on purpose. An unknown field is an error, because
 * Discord would ignore it, and a typo with it. A body without `allowed_mentions` may be refused,
 * because it pings everyone named in its text.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */

import { z } from "zod";
import type { MessageDraft, MessageEdit } from "../actions/draft.ts";
import type { AllowedMentions } from "../actions/mentions.ts";
import {
  actionRows,
  IS_COMPONENTS_V2,
  layout,
  numbered,
  type TopComponent,
} from "../world/components.ts";
import { type FieldProblem, toProblems } from "../world/field_problems.ts";
import { storedNameOf } from "../world/media.ts";

const snowflake = z.string().regex(/^[1-9]\d{0,19}$/);
const opaque = z.record(z.string(), z.unknown());

const allowedMentions = z.strictObject({
  parse: z.array(z.enum(["users", "roles", "everyone"])).nullish(),
  users: z.array(snowflake).max(100).nullish(),
  roles: z.array(snowflake).max(100).nullish(),
  replied_user: z.boolean().nullish(),
}).superRefine(({ parse, users, roles }, context) => {
  for (const [kind, ids] of [["users", users], ["roles", roles]] as const) {
    if (!parse?.includes(kind) || !ids || ids.length === 0) continue;
    context.addIssue({
      code: "custom",
      params: { code: "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE" },
      message: `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`,
    });
  }
});

const attachment = z.strictObject({
  id: z.union([z.string(), z.int()]),
  filename: z.string().max(1024).nullish(),
  title: z.string().max(1024).nullish(),
  description: z.string().max(1024).nullish(),
  duration_secs: z.number().nullish(),
  waveform: z.string().max(400).nullish(),
  is_remix: z.boolean().nullish(),
  is_spoiler: z.boolean().nullish(),
});

const reference = z.strictObject({
  type: z.union([z.literal(0), z.literal(1)]).nullish(),
  message_id: snowflake,
  channel_id: snowflake.nullish(),
  guild_id: snowflake.nullish(),
  fail_if_not_exists: z.boolean().nullish(),
});

const shared = {
  content: z.string().max(2000).nullish(),
  embeds: z.array(opaque).max(10).nullish(),
  components: z.array(opaque).max(40).nullish(), // read by its layout
  attachments: z.array(attachment).max(10).nullish(),
  allowed_mentions: allowedMentions.nullish(),
  flags: z.int().min(0).nullish(),
  sticker_ids: z.array(snowflake).max(3).nullish(),
};

const createBody = z.strictObject({
  ...shared,
  nonce: z.union([z.string().max(25), z.int()]).nullish(),
  enforce_nonce: z.boolean().nullish(),
  message_reference: reference.nullish(),
  tts: z.boolean().nullish(),
  poll: z.strictObject({
    question: z.strictObject({ text: z.string().min(1).max(300) }),
    answers: z.array(
      z.strictObject({ poll_media: z.strictObject({ text: z.string().min(1).max(55) }) }),
    ).min(1).max(10),
    allow_multiselect: z.boolean().nullish(),
    duration: z.int().min(1).max(768).nullish(),
  }).nullish(),
  shared_client_theme: opaque.nullish(),
});

const editBody = z.strictObject(shared);

/** A file beside the body, by the number in its field: 0 for `files[0]`. */
export interface UploadedFile {
  readonly index: number;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

export type Parsed<Value> =
  | { readonly kind: "parsed"; readonly value: Value }
  | { readonly kind: "wrong"; readonly problems: readonly FieldProblem[] };

export function parseCreate(body: unknown, files: readonly UploadedFile[]): Parsed<MessageDraft> {
  const parsed = createBody.safeParse(body);
  if (!parsed.success) return { kind: "wrong", problems: toProblems(parsed.error) };
  const { data } = parsed;
  if (!data.allowed_mentions) return WITHOUT_MENTIONS;
  const components = readComponents(data, (data.flags ?? 0) & IS_COMPONENTS_V2);
  if (components.kind === "wrong") return components;
  const mentions = toAllowedMentions(data.allowed_mentions);
  const quoted = data.message_reference;
  return {
    kind: "parsed",
    value: {
      content: data.content ?? "",
      embeds: data.embeds ?? [],
      components: components.value ?? [],
      attachments: toAttachments(data.attachments ?? [], files),
      hasMore: (data.sticker_ids?.length ?? 0) > 0 || Boolean(data.poll),
      ...(data.sticker_ids && { stickerIds: data.sticker_ids }),
      ...(data.poll && {
        poll: {
          question: data.poll.question.text,
          answers: data.poll.answers.map(({ poll_media: { text } }) => text),
          hours: data.poll.duration ?? 24,
          allowsSeveral: data.poll.allow_multiselect ?? false,
          votes: new Map(),
          isOver: false,
        },
      }),
      ...(data.nonce !== undefined && data.nonce !== null && { nonce: data.nonce }),
      enforceNonce: data.enforce_nonce ?? false,
      ...(mentions && { allowedMentions: mentions }),
      ...(quoted && {
        reference: {
          kind: quoted.type === 1 ? "forward" as const : "reply" as const,
          messageId: quoted.message_id,
          ...(quoted.channel_id && { channelId: quoted.channel_id }),
          failIfNotExists: quoted.fail_if_not_exists ?? true,
        },
      }),
      flags: data.flags ?? 0,
      isTts: data.tts ?? false,
    },
  };
}

export function parseEdit(body: unknown, files: readonly UploadedFile[]): Parsed<MessageEdit> {
  const parsed = editBody.safeParse(body);
  if (!parsed.success) return { kind: "wrong", problems: toProblems(parsed.error) };
  const { data } = parsed;
  if (data.content && !data.allowed_mentions) return WITHOUT_MENTIONS;
  const components = readComponents(data, (data.flags ?? 0) & IS_COMPONENTS_V2);
  if (components.kind === "wrong") return components;
  const mentions = toAllowedMentions(data.allowed_mentions);
  const listed = data.attachments;
  return {
    kind: "parsed",
    value: {
      ...(data.content !== undefined && { content: data.content ?? "" }),
      ...(data.embeds !== undefined && { embeds: data.embeds ?? [] }),
      ...(components.value && { components: components.value }),
      ...((listed !== undefined || files.length > 0) && {
        attachments: {
          keep: listed === undefined ? "all" as const : (listed ?? []).map(({ id }) => String(id)),
          add: toAttachments(listed ?? [], files),
        },
      }),
      ...(mentions && { allowedMentions: mentions }),
      ...(typeof data.flags === "number" && { flags: data.flags }),
    },
  };
}

/**
 * Reads the components by the message's layout. The second layout allows no text, embeds, polls or
 * stickers beside them.
 */
function readComponents(
  body: Readonly<Record<string, unknown>>,
  isSecondLayout: number,
): Parsed<readonly TopComponent[] | undefined> {
  const { components } = body;
  if (isSecondLayout) {
    const legacy = ["content", "embeds", "poll", "sticker_ids"].find((name) => {
      const value = body[name];
      return Array.isArray(value) ? value.length > 0 : Boolean(value);
    });
    if (legacy !== undefined) {
      return {
        kind: "wrong",
        problems: [{
          path: [legacy],
          code: "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
          message: `The '${legacy}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`,
        }],
      };
    }
  }
  if (components === undefined) return { kind: "parsed", value: undefined };
  const parsed = (isSecondLayout ? layout : actionRows).safeParse(components ?? []);
  if (parsed.success) return { kind: "parsed", value: numbered(parsed.data) };
  const problems = toProblems(parsed.error).map((problem) => ({
    ...problem,
    path: ["components", ...problem.path],
  }));
  return { kind: "wrong", problems };
}

const WITHOUT_MENTIONS: Parsed<never> = {
  kind: "wrong",
  problems: [{
    path: ["allowed_mentions"],
    code: "BASE_TYPE_REQUIRED",
    message: "This field is required: without it, the text may ping anyone",
  }],
};

function toAllowedMentions(
  given: z.infer<typeof allowedMentions> | null | undefined,
): AllowedMentions | undefined {
  return given
    ? {
      parse: given.parse ?? [],
      users: given.users ?? [],
      roles: given.roles ?? [],
      repliedUser: given.replied_user ?? false,
    }
    : undefined;
}

function toAttachments(
  described: readonly z.infer<typeof attachment>[],
  files: readonly UploadedFile[],
): MessageDraft["attachments"] {
  return files.map(({ index, filename, sizeBytes, contentType, bytes }) => {
    const about = described.find(({ id }) => String(id) === String(index));
    return {
      ...storedNameOf(about?.filename ?? filename),
      sizeBytes,
      ...(bytes && { bytes }),
      ...(contentType && { contentType }),
      ...(about?.description && { description: about.description }),
      ...(about?.is_spoiler && { isSpoiler: true }),
      ...(about?.duration_secs && about.waveform &&
        { voice: { durationSecs: about.duration_secs, waveform: about.waveform } }),
    };
  });
}
