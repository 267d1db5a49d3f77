/**
 * Reads a message's words for the intent filter (I1): how many there are, how it begins, and hashes of
 * those with content. No word itself is kept.
 *
 * Each word stands once. Chinese and Japanese have no blanks, and Korean
 * has endings, so patterns find theirs anywhere.
 */

/** Longer texts are cut, so that the cost of a message has a limit. A Discord message has 2,000. */
const MAX_CHARACTERS = 2_000;
/** Shorter words of ASCII letters carry no topic. */
const MIN_CONTENT_LENGTH = 3;
const HASH_START = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
/** Two letters of a script without blanks, or a word with its marks: `don't`, `c++`, `set-up`. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]{1,2}|\p{L}[\p{L}\p{M}\p{N}'’+#-]*/gu;

/** Words that say nothing about the topic. */
const STOP_WORDS = wordsOf(
  "the a an to of in on is it i you he she we they and or for that this with at be do does did " +
    "have has had my your me so if then but not no yes ok can will just what how why when where who " +
    "which there here was are im its dont as from by about like get got any some one u ur",
);
const QUESTION_WORDS = wordsOf(
  "what why how when where who which whats hows wheres whos was wie wo wann warum wer wieso " +
    "welche welcher welches wohin quoi comment pourquoi quand où qui quel quelle combien qué " +
    "cómo cuándo dónde quién cuál cuánto que como onde quando quem qual quanto che dove chi " +
    "quale cosa wat hoe waar wanneer waarom welke co jak gdzie kiedy kto dlaczego ile jaki " +
    "jaka kde kdy proč что как где когда почему кто какой какая какие сколько зачем що як де " +
    "коли чому хто який скільки ne nasıl nerede neden kim hangi kaç niye vad hur när varför " +
    "vem vilken apa kapan siapa berapa",
);
const AUXILIARIES = wordsOf(
  "is are do does did can could would should will was were has have had am any anyone " +
    "anybody ist sind kann kannst gibt geht muss soll darf est peux peut est-ce faut hay es " +
    "está puedes puedo tem pode posso dá puoi c'è kan kun moet mag czy można możesz есть можно " +
    "можешь чи можна finns bisa",
);
const ACKNOWLEDGEMENTS = wordsOf(
  "yes yeah yep yup no nope ok okay k right sure hmm hm oh ah cool great nice indeed correct " +
    "exactly lol lmao haha hahaha nvm done worked works true fine alright good sweet perfect " +
    "wow ja nein jo nö gut super klar genau stimmt perfekt oui non ouais parfait mdr sí vale " +
    "perfecto claro genial jaja sim não beleza certo kkk sì perfetto bene nee prima top tak " +
    "nie dobra dobrze да нет ок ага ясно понятно круто хорошо ну так ні добре evet hayır tamam " +
    "jag nej bra",
);
const REFERENCES = wordsOf(
  "it that this those these they them and but so also then or because which und aber das " +
    "dann oder et mais donc alors ou ça y pero entonces eso e mas então isso ma allora quindi " +
    "en maar dus dan dat ale to więc а и но тогда или это і але тоді або peki ve ama ya och " +
    "men så då",
);
const THANKS = wordsOf(
  "thanks thank thx ty cheers tnx thanx tysm danke dankeschön dankschön merci gracias " +
    "obrigado obrigada valeu grazie bedankt dankjewel dzięki dziękuję dzieki díky děkuji " +
    "спасибо спс благодарю дякую teşekkürler teşekkür sağol eyvallah tack takk mersi شكرا " +
    "makasih terimakasih",
);
const GREETINGS = wordsOf(
  "hi hello hey howdy greetings morning hallo moin servus bonjour salut coucou hola buenas " +
    "olá oi ciao buongiorno hoi cześć hej siema привет здравствуйте привіт merhaba selam ahoj " +
    "halo",
);
const SECOND_PERSON = wordsOf(
  "you your yours u ur you're youre du dir dich dein deine tu te toi vous votre tú ti você " +
    "vc seu jij jou jouw ci twój ты тебе тебя вы вам ти тобі sen sana seni",
);
const THIRD_PERSON = wordsOf(
  "he she him her they bot er sie elle él ella ele ela lui lei он она",
);
/** Other words that usually stand before a comma or colon at the start of a text. */
const OPENERS = wordsOf(
  "actually anyway basically btw damn edit everyone fyi guys honestly interesting maybe " +
    "note now oops please question see sorry still todo update wait well yea achtung bitte " +
    "entschuldigung frage hinweis krass leute mist moment nebenbei schade toll übrigens warte " +
    "attention attends au bref dommage désolé enfin bon sinon bueno espera gente oye perdón " +
    "pregunta aspetta domanda peccato ragazzi scusa aliás desculpa pergunta helaas jammer oké " +
    "trouwens vraag wacht czekaj ej kurde przepraszam pytanie szkoda блин вопрос извини " +
    "короче кстати ладно подожди слушай bu arada bekle pardon soru förresten förlåt vänta",
);
// deno-fmt-ignore
const BEGINNINGS = [
  QUESTION_WORDS, AUXILIARIES, ACKNOWLEDGEMENTS, REFERENCES, THANKS, GREETINGS, THIRD_PERSON, OPENERS,
];
/** Signs of Chinese, Japanese and Korean. */
const ASIAN_THANKS = /谢谢|謝謝|多谢|ありがと|感謝|감사|고마|고맙/;
const ASIAN_QUESTION =
  /什么|怎么|哪|谁|几点|多少|为什么|(?:[吗嗎呢]|(?:ます|です|の|い|る|た)か)(?=[\s。.!！]*$)|いつ|どこ|どう|なぜ|誰|教えて|언제|어디|뭐|무엇|왜|어떻게|누가|누구|몇/u;
const ASIAN_REFERENCE = /^(?:那|还有|但是|それ|じゃ|では|でも|あと|그럼|그리고|근데|그러면)/;
const ASIAN_ACKNOWLEDGEMENT =
  /^(?:好的|好吧|是的|对|不是|哈|はい|いいえ|うん|了解|なるほど|네|응|아니|ㅋ|ㅎ)/;
/** Usual words that begin names, such as "Les Amis". */
const NAME_STARTS = wordsOf("der die das ein eine les los las una une het een big old new little");
const OWN_PROBLEM =
  /\b(i (have|need|want|get|got|can't|cant|cannot|am|was|tried|installed|did|use|just)|i'm|im|i've|my|help)\b/i;
const CODE_OR_LINK = /https?:|`|\/[a-z]+\/|sudo |--\w/;

/** A text as the filter reads it. */
export interface IntentWords {
  readonly count: number;
  readonly content: ReadonlySet<number>;
  readonly isQuestion: boolean;
  readonly beginsWithQuestionWord: boolean;
  readonly beginsWithAuxiliary: boolean;
  readonly beginsWithAcknowledgement: boolean;
  /** It begins with "it", "that", "but", … */
  readonly beginsWithReference: boolean;
  readonly thanks: boolean;
  readonly greets: boolean;
  readonly saysYou: boolean;
  readonly saysTheyOrBot: boolean;
  readonly saysOwnProblem: boolean;
  readonly hasCodeOrLink: boolean;
}

/** Reads a text. Its cost has a limit at any length. */
export function readIntentWords(text: string): IntentWords {
  const start = text.slice(0, MAX_CHARACTERS);
  const words: readonly string[] = start.toLowerCase().match(WORD) ?? [];
  const [first = "", second = ""] = words;
  const has = (list: ReadonlySet<string>) => words.some((word) => list.has(word));
  return {
    count: words.length,
    content: new Set(words.filter(hasContent).map(hashOf)),
    isQuestion: /[?？؟]/.test(text) || ASIAN_QUESTION.test(start),
    beginsWithQuestionWord: QUESTION_WORDS.has(first) ||
      (REFERENCES.has(first) && QUESTION_WORDS.has(second)),
    beginsWithAuxiliary: AUXILIARIES.has(first),
    beginsWithAcknowledgement: ACKNOWLEDGEMENTS.has(first) || ASIAN_ACKNOWLEDGEMENT.test(start),
    beginsWithReference: REFERENCES.has(first) || ASIAN_REFERENCE.test(start),
    thanks: has(THANKS) || ASIAN_THANKS.test(start),
    greets: GREETINGS.has(first),
    saysYou: has(SECOND_PERSON),
    saysTheyOrBot: has(THIRD_PERSON),
    saysOwnProblem: OWN_PROBLEM.test(start),
    hasCodeOrLink: CODE_OR_LINK.test(start),
  };
}

/** Whether a word is so usual that, without a mark behind it, it names no one. */
export const isUsualWord = (word: string): boolean =>
  [STOP_WORDS, SECOND_PERSON, NAME_STARTS].some((list) => list.has(word));

/** Whether a word before a comma or colon at the start of a text is in a list, so no one's name. */
export const isListedWord = (word: string): boolean =>
  isUsualWord(word) || BEGINNINGS.some((list) => list.has(word));

function hasContent(word: string): boolean {
  const isTooShort = word.length < MIN_CONTENT_LENGTH && word.charCodeAt(0) < 0x80;
  return !isTooShort && !STOP_WORDS.has(word);
}

function hashOf(word: string): number {
  let hash = HASH_START;
  for (let at = 0; at < word.length; at++) {
    hash = Math.imul(hash ^ word.charCodeAt(at), HASH_PRIME);
  }
  return hash;
}

function wordsOf(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}
