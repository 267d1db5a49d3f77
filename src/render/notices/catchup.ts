/** Answers to `/catchup` (T17a). */

const SINCE = { since: "the time, as Discord shows it" };

export const CATCHUP_NOTICES = {
  catchUp: {
    text: "Since {since}, from {read} messages (`/why {id}`):",
    when: "a person uses `/catchup`, as the first line",
    placeholders: { ...SINCE, read: "number of messages that the model read", id: "its ID" },
    example: "Seit {since}, aus {read} Nachrichten (`/why {id}`):",
  },
  catchUpPartly: {
    text: "Not read whole: {places}",
    when: "`/catchup` could not read all new messages, as the last line",
    placeholders: { places: "each channel, with the number of messages read, and of new ones" },
    example: "Nicht ganz gelesen: {places}",
  },
  catchUpNothing: {
    text: "Nothing new since {since}.",
    when: "`/catchup` finds no new message that the person may read",
    placeholders: SINCE,
    example: "Nichts Neues seit {since}.",
  },
  catchUpNoTime: {
    text:
      "Since when? I have seen no message of yours here. Give `since`: 2h, 3d, today or 2026-01-31.",
    when: "`/catchup` has no time that it can read, and has not seen the person before",
    example: "Seit wann? Gib `since` an: 2h, 3d, today oder 2026-01-31.",
  },
  catchUpLater: {
    text: "I can't catch you up just now. Give `/catchup` again in a minute.",
    when: "a person uses `/catchup` again at once, or many people do, or it comes too late",
    example: "Gerade nicht, versuch es in einer Minute noch einmal.",
  },
} as const;
