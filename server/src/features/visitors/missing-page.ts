/**
 * What a person sees who followed a link to a chat that is not there: words instead of an API's answer. It names no
 * company, because nobody knows whose link it was.
 */
export const missingPage = (title: string, advice: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<style>
html{font:16px/1.5 system-ui,sans-serif;color:light-dark(#1c1c22,#ededf2);background:light-dark(#fff,#131318)}
body{margin:0;min-height:100vh;display:grid;place-items:center}
main{max-width:26rem;padding:2rem 1.5rem;box-sizing:border-box}
h1{font-size:1.375rem;line-height:1.25;margin:0 0 .5rem}
p{margin:0;color:light-dark(#5b5b66,#a9a9b6)}
</style>
</head>
<body><main><h1>${title}</h1><p>${advice}</p></main></body>
</html>
`;
