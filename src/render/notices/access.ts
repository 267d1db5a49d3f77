/** Notices about who may write to the bot. */

/** Notices about who may write to the bot. */
export const ACCESS_NOTICES = {
  challenge: {
    text:
      "I only answer approved people, so I haven't read this. Within an hour, my owner can press " +
      "the button that I sent them, or run `barnacle pairing approve {code}`. Your ID: {id}",
    when: "an unpaired sender writes to the bot for the first time",
    placeholders: { code: "the code", id: "the unpaired sender's Discord ID" },
    example: "Wer mich betreibt, lässt dich mit `{code}` ein; du bist {id}.",
  },
  paired: {
    text: "You're approved. You can write to me now.",
    when: "an unpaired sender was approved, to them",
    example: "Du darfst mir jetzt schreiben.",
  },
  pairingAsked: {
    text:
      "{name} ({id}) wants to write to me. Their code is `{code}`, valid until {until}. Approve " +
      "below, or run `barnacle pairing approve {code}`.",
    when: "an unpaired sender got a code, to the bot's owner",
    placeholders: {
      name: "their username",
      id: "their Discord ID",
      code: "the code",
      until: "when it expires",
    },
    example: "{name} ({id}) will mir schreiben: `{code}`, bis {until}",
  },
  approve: {
    text: "Approve",
    when: "an unpaired sender got a code, on the button that approves them",
    example: "Erlauben",
  },
  deny: {
    text: "Deny",
    when: "an unpaired sender got a code, on the button that denies them",
    example: "Ablehnen",
  },
  approved: {
    text: "{name} ({id}) may write to me now. {by} approved it.",
    when: "an owner approved an unpaired sender by the button",
    placeholders: { name: "their username", id: "their Discord ID", by: "the owner" },
    example: "{name} ({id}) darf mir schreiben, sagt {by}.",
  },
  denied: {
    text: "{name} ({id}) may not write to me. {by} denied it.",
    when: "an owner denied an unpaired sender by the button",
    placeholders: { name: "their username", id: "their Discord ID", by: "the owner" },
    example: "{name} ({id}) darf mir nicht schreiben, sagt {by}.",
  },
  decidedBefore: {
    text: "{name} ({id}): this request was already decided. To see who may write to me, run " +
      "`barnacle pairing list`.",
    when: "an owner presses a button of a request that was already decided",
    placeholders: { name: "their username", id: "their Discord ID" },
    example: "{name} ({id}): Das ist schon entschieden.",
  },
  pairingExpired: {
    text: "{name} ({id}): this code has expired. They get a new one when they write to me again.",
    when: "an owner presses a button of an expired request",
    placeholders: { name: "their username", id: "their Discord ID" },
    example: "{name} ({id}): Der Code ist abgelaufen.",
  },
  notAuthorized: {
    text: "You are not authorized to do that.",
    when: "a person uses a button or a command without the right to",
    example: "Das darfst du nicht.",
  },
} as const;
