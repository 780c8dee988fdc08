// What npm's node-smsc does with the account; prints a line of JSON for each step.

const [url, login, password, phone] = process.argv.slice(2)
const client = require('node-smsc')({ request: url, login, password })

const show = (step, found) => console.log(JSON.stringify({ step, ...found }))

async function main () {
  show('balance', await client.balance({ cur: 1 }))
  show('price', await client.send({ phones: phone, mes: 'Привіт, це ціна', cost: 1 }))
  const sent = await client.send({ phones: phone, mes: 'Hello, World!', cost: 3 })
  show('send', sent)
  show('status', await client.status({ phone, id: sent.id, all: 2 }))
  const several = await client.send({ phones: phone + ',380501112233', mes: 'To two', cost: 3, op: 1 })
  show('send to two', several)
  const ids = several.id + ',' + several.id
  show('statuses', { list: await client.status({ phone: phone + ',380501112233', id: ids, all: 1 }) })
  await client.send({ phones: phone, mes: 'Hello, World!', cost: 3 })
    .then((found) => show('send again', found), (error) => show('send again', { error: error.message }))
  await client.balance({ psw: 'wrong' })
    .then((found) => show('wrong password', found), (error) => show('wrong password', { error: error.message }))
  show('numbers', { list: await client.receive_phones({ get: 1 }) })
}

main().catch((error) => { console.error(error); process.exit(1) })
