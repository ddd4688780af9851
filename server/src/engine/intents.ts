/** What a customer says so often, and so plainly, that no model is needed to understand it. */

const WANT =
  '(?:talk|speak|chat|write|connect|transfer|switch|put me|get me|give me|let me|want|need|like|prefer|have|is there)';
const PERSON =
  '(?:a |an |the |your |some |any |real |live |actual |human )*(?:human(?: being)?|person|people|agent|operator|representative|someone|somebody|colleague|employee|support (?:team|staff|person|agent)|customer (?:service|support))';

const PERSON_PATTERNS: RegExp[] = [
  // English: a wish and a person close together, or nothing but the person
  new RegExp(`\\b${WANT}\\b[^.?!\\n]{0,25}?\\b(?:to|with|me|for|by)?\\s*${PERSON}\\b(?! string| header)`, 'i'),
  /^\s*(?:(?:a|an)\s+)?(?:real |live |actual )?(?:human|person|agent|operator|representative)s?(?:[,\s]+please)?\s*[.!?]*\s*$/i,
  // German
  /\b(?:mit|an|einen?|einer?m?)\s+(?:\w+\s+){0,2}(?:menschen?|mitarbeiter(?:in)?|person|berater(?:in)?|kolleg(?:e|en|in))\b.{0,30}\b(?:sprechen|reden|schreiben|chatten|verbinden|weiterleiten)|\b(?:sprechen|verbinden|reden)\b.{0,30}\b(?:menschen|mitarbeiter(?:in)?|person)\b/i,
  // Finnish
  /\b(?:haluan|voinko|saanko|haluaisin|yhdistä)\b.{0,30}\b(?:ihmis\w*|asiakaspalvelij\w*|henkilö\w*|työntekijä\w*)/i,
  // French
  /\b(?:parler|discuter|échanger|contacter)\b.{0,30}\b(?:humain|personne|conseiller|conseillère|agent|quelqu['’]un)\b/i,
  // Spanish, Portuguese
  /\b(?:hablar|falar|conversar|comunicarme)\b.{0,30}\b(?:persona|humano|agente|alguien|pessoa|atendente|alguém)\b/i,
  // Swedish
  /\b(?:prata|tala|chatta|skriva)\b.{0,20}\bmed\b.{0,20}\b(?:människa|person|någon|medarbetare)\b/i,
  // Italian
  /\bparlare\b.{0,30}\b(?:persona|umano|operatore|qualcuno)\b/i,
];

/** The customer asks for a human in so many words. */
export const asksForPerson = (text: string): boolean =>
  text.length <= 400 && PERSON_PATTERNS.some((pattern) => pattern.test(text));

const whole = (words: string) =>
  new RegExp(
    `^[\\s\\p{P}\\p{S}]*(?:${words})(?:[\\s\\p{P}\\p{S}]+(?:there|all|team|everyone|you|bot|much|so much|a lot|very much))*[\\s\\p{P}\\p{S}]*$`,
    'iu',
  );
const HELLO = whole(
  'hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|hallo|guten (?:tag|morgen|abend)|moin|servus|hei|moi|terve|bonjour|salut|bonsoir|hola|buenos d[ií]as|buenas|olá|oi|ciao|hej|tjena',
);
const THANKS = whole(
  'thanks?|thank you|thx|ty|cheers|great|perfect|awesome|ok(?:ay)?|got it|danke(?: schön| sehr)?|vielen dank|kiitos|merci(?: beaucoup)?|(?:muchas )?gracias|obrigad[oa]|grazie|tack(?: så mycket)?',
);
const BYE = whole(
  'bye|goodbye|bye bye|see you|tschüss|auf wiedersehen|näkemiin|hei hei|au revoir|adi[oó]s|hasta luego|tchau|arrivederci|hej ?då',
);

export type SmallTalk = 'hello' | 'thanks' | 'bye';

/** Set only when the text is nothing but small talk: a question after "hi" is a question. */
export function smallTalkOf(text: string): SmallTalk | undefined {
  if (text.length > 60) return undefined;
  if (HELLO.test(text)) return 'hello';
  if (THANKS.test(text)) return 'thanks';
  if (BYE.test(text)) return 'bye';
  return undefined;
}
