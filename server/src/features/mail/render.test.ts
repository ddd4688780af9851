import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MailTemplate } from '@parley/contract';
import { isMailAddress } from '../../platform/mail/index.ts';
import { languageOf } from './policy.ts';
import { renderMail } from './render.ts';
import { mailTexts } from './texts/index.ts';

const render = (template: MailTemplate, values: Record<string, string> = {}, language = 'en') =>
  renderMail({ template, language, to: 'ada@acme.test', values }, 'https://desk.acme.test');

describe('what a mail says', () => {
  const all = {
    ...{ name: 'Ada', inviter: 'Grace', workspace: 'Acme', device: 'Firefox, Linux', place: '203.0.113.…' },
    ...{ time: '2026-11-30T10:00:00.000Z', link: 'https://desk.acme.test/x#token=abc' },
  };

  it('is whole in every language, as text and as HTML', () => {
    const namesIn = (value: unknown): string[] =>
      [...JSON.stringify(value).matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
    assert.ok(['en', 'de', 'fi'].every((language) => Object.hasOwn(mailTexts, language)));
    for (const [language, texts] of Object.entries(mailTexts)) {
      for (const template of MailTemplate.options)
        assert.deepEqual(
          namesIn(texts.mails[template]),
          namesIn(mailTexts['en']?.mails[template]),
          `${language} ${template}`,
        );
      for (const template of MailTemplate.options) {
        const { subject, text, html, link } = render(template, all, language);
        for (const written of [subject, text, html])
          assert.doesNotMatch(written, /\{\w+\}|undefined|\[object/, template);
        assert.equal(link, texts.mails[template].action ? all.link : null);
        if (link) assert.ok(text.includes(`\n${link}\n`) && html.includes(`href="${link}"`));
        assert.doesNotMatch(html, /<img|src=|@import|url\(/);
        assert.match(html, new RegExp(`<html lang="${language}">`));
      }
    }
    assert.match(render('new_device', all, 'fi').text, /30\. marraskuuta 2026 klo 10\.00 UTC/);
    assert.equal(render('test', {}, 'xx').subject, render('test').subject);
  });

  it('is not written by whoever gave themselves a name', () => {
    const evil = 'Eve\r\nBcc: all@acme.test\u202e <script>alert(1)</script> http://evil.test/now & pay.evil.test';
    const { subject, text, html } = render('invitation', { ...all, inviter: evil, workspace: evil.repeat(9) });
    assert.doesNotMatch(subject, /[\r\n\u202e]/);
    assert.ok(subject.length <= 150);
    assert.doesNotMatch(html, /<script/);
    for (const written of [text, html]) assert.doesNotMatch(written, /evil\.test|http:\/\/evil|\u202e/);
  });

  it('goes to one plain address', () => {
    for (const good of ['ada@acme.test', "o'brien+x@mail.acme.test", 'root@localhost'])
      assert.ok(isMailAddress(good), good);
    for (const bad of [
      'a@b.test,c@d.test',
      'a@b.test\r\nRCPT TO:<c@d.test>',
      '<a@b.test>',
      'a b@c.test',
      'a@',
      '"a"@b.test',
      'a@b@c.test',
      '',
    ])
      assert.ok(!isMailAddress(bad), bad);
  });

  it('is in the language somebody reads', () => {
    assert.equal(languageOf('de-AT,de;q=0.9,en;q=0.8'), 'de');
    assert.equal(languageOf('sv, fi;q=0.5, en;q=0.4'), 'fi');
    assert.equal(languageOf('en;q=0, constructor'), undefined);
    assert.equal(languageOf(undefined), undefined);
  });
});
