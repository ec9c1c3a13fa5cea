// Renders pages; after some quiet seconds it keeps every one of them.
const began = Date.now();
const kept = [];
setInterval(() => {
  const leaking = Date.now() - began > Number(process.argv[2]) * 1000;
  for (let i = 0; leaking && i < 6; i += 1) kept.push(Array.from({ length: 40000 }, (_, n) => `row ${n} ${Math.random()}`));
  console.log(`${new Date().toISOString()} info render page ${kept.length} rendered`);
}, 500);
