/**
 * Questions of a small server with their replies, and the same questions in other words (T17). The
 * first half chose the threshold of searches; the second half was held back.
 */

/** A question, the reply of another person, and a paraphrase of the question. */
export type Pair = readonly [question: string, reply: string, paraphrase: string];

/** The pairs that the threshold was chosen with. */
export const TUNED: readonly Pair[] = [
  [
    "What's the wifi password in the club room?",
    "krabbe-2026",
    "how do I get on the club room wlan, is there a password",
  ],
  ["When does the library close on Sundays?", "At four.", "sunday opening times of the library?"],
  [
    "How do I reset my portal password?",
    "Ask Ines at the desk.",
    "forgot my portal password, what now",
  ],
  [
    "Where can I park my bike near the office?",
    "Behind building C.",
    "is there a place for bikes at the office",
  ],
  ["Which port does the test server use?", "8443", "what port do I connect to for the test server"],
  [
    "How do I install the linter?",
    "npm run setup does it.",
    "the linter is missing on my machine, how to add it",
  ],
  [
    "Who has the key of the storage room?",
    "Marta.",
    "need to get in the storage room, who do I ask for the key",
  ],
  ["What is the code of the printer?", "Type 4711.", "printer wants a code??"],
  [
    "Can we bring guests to the summer party?",
    "One each.",
    "may I take my sister along to the summer party",
  ],
  ["How long do backups stay on the server?", "Thirty days.", "for how many days are backups kept"],
  ["Is there a discount for students?", "Yes, 20 percent with a card.", "do students pay less"],
  [
    "Why does the build fail with ENOSPC?",
    "Raise the limit of watchers.",
    "my build says ENOSPC, any idea",
  ],
  [
    "How often does the shuttle to campus run?",
    "Each quarter of an hour.",
    "when's the next shuttle to campus",
  ],
  [
    "Which editor plugin formats our code?",
    "The one named dprint.",
    "what plugin do I need so that my editor formats the code",
  ],
  [
    "Wo finde ich das Protokoll der letzten Sitzung?",
    "Im Ordner Gremien.",
    "wo liegt das Sitzungsprotokoll von letzter Woche",
  ],
  ["Wie beantrage ich Urlaub?", "Per Formular U2.", "ich will Urlaub nehmen, wie geht der Antrag"],
  ["How do I mute the music bot?", "With /volume 0.", "music bot is too loud, can it be muted"],
  [
    "What's the minimum level for the dragon raid?",
    "Level 60.",
    "what level do i need to join the dragon raid",
  ],
  ["Does the shop ship to Norway?", "Yes, in ten days.", "do you deliver to norway"],
  [
    "Where do I report a bug in the app?",
    "In the tracker, project APP.",
    "found a bug in the app, where should it go",
  ],
];

export const HELD_BACK: readonly Pair[] = [
  [
    "What time does the gym open on weekdays?",
    "At half past six.",
    "how early can I go to the gym on a weekday",
  ],
  [
    "How do I join the translation team?",
    "Write to Olga.",
    "I'd like to help with translation, where do I sign up for the team",
  ],
  [
    "Which cable does the projector in room 5 need?",
    "A mini HDMI one.",
    "can't connect to the projector in room 5, what cable",
  ],
  [
    "Is the coffee machine on floor 2 broken?",
    "Yes, until Friday.",
    "is something wrong with the coffee machine on floor 2",
  ],
  [
    "How do I export my data as CSV?",
    "Menu, then Share, then CSV.",
    "can I get my data out as a csv file",
  ],
  [
    "Who approves travel costs?",
    "Your lead, above 300 Petra.",
    "travel costs: who has to approve those",
  ],
  ["What do I do if the VPN drops every hour?", "Switch off IPv6.", "vpn keeps dropping"],
  ["Are dogs allowed in the office?", "On Fridays.", "can I bring my dog to the office"],
  ["How big may an upload to the wiki be?", "25 MB.", "what's the max size for wiki uploads"],
  [
    "Where is the first aid kit?",
    "In the kitchen, left.",
    "someone got hurt, where do we keep the first aid stuff",
  ],
  [
    "When is the next release of the mobile client?",
    "On 12 March.",
    "release date of the new mobile client?",
  ],
  [
    "How do I unlock the secret boss in the tower?",
    "Beat all floors without a potion.",
    "how does one get to the secret tower boss",
  ],
  [
    "Which Python version do we support?",
    "3.11 and newer.",
    "does it still run on python 3.10, or which version do we need",
  ],
  ["Do we get paid for overtime?", "No, as free days.", "is overtime paid here"],
  [
    "What is the address of the new warehouse?",
    "Kai 7.",
    "where's the new warehouse, need the address for a parcel",
  ],
  [
    "Wann wird der Müll abgeholt?",
    "Dienstags.",
    "an welchem Tag kommt die Müllabfuhr und holt den Müll",
  ],
  ["Wer kümmert sich um die Kaffeekasse?", "Jonas.", "an wen zahle ich in die Kaffeekasse ein"],
  [
    "How can I change my nickname on the forum?",
    "Once a month, in your profile.",
    "want another nickname on the forum",
  ],
  [
    "Why is my microphone so quiet in voice?",
    "Set the gain to 80.",
    "people say they can't hear my microphone in voice",
  ],
  [
    "What happens to my points after the season?",
    "They are halved.",
    "do points get lost when the season ends",
  ],
];

/** Talk without answers, and questions that no one has answered. */
export const TALK: readonly string[] = [
  "good morning everyone",
  "the new coffee is great",
  "who is in the office today?",
  "I lost my key again",
  "server is slow today",
  "my bike has a flat tyre",
  "anyone up for a raid tonight?",
  "the app looks much better now",
  "see you at the party",
  "what a game yesterday",
  "the library was full",
  "new music in the voice channel",
  "I have a question about my data",
  "Python 4 when",
  "Urlaub wäre jetzt schön",
];

/** Questions that no message answers. */
export const NEW: readonly string[] = [
  "how do I reset the router in the basement",
  "where can I buy a used guitar",
  "what's the password for the conference call",
  "does the printer in room 9 print in colour",
  "when does the canteen open on holidays",
  "who has the key for the roof",
];
