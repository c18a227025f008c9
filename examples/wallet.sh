#!/bin/sh
# The wallet API by hand: a player is created, gets a bonus, bets, wins, takes a bet back, and looks at the statement and the balance.
#
#   CROUPIER=http://127.0.0.1:8081 KEY=… SITE=332 sh examples/wallet.sh
#
# Run it twice: every movement has a key of its own, so the second run gets the answers of the first and moves no money.
set -eu

: "${CROUPIER:?the base address of the private listener}" "${KEY:?a key of [wallet] api_keys}" "${SITE:?the site_id}"
LOGIN=${LOGIN:-shell-example}
PLAYER=$CROUPIER/wallet/v1/sites/$SITE/players/$LOGIN

# Asks and shows the answer. A refusal ends the script, after its reason was shown.
ask() {
  echo "== $1"
  title=$1
  shift
  curl --silent --show-error --fail-with-body --max-time 30 \
    --header "Authorization: Bearer $KEY" --header "Content-Type: application/json" "$@" ||
    { echo; echo "wallet.sh: $title was refused" >&2; exit 1; }
  echo
}

# A movement: kind, amount in minor units, round. The key says which movement it is, however often it is sent.
move() {
  ask "$1 of $2 in $3" --header "Idempotency-Key: $LOGIN-$3-$1" "$PLAYER/transactions" \
    --data "{\"kind\":\"$1\",\"amount\":$2,\"currency\":\"USD\",\"reference\":\"$3\"}"
}

ask "create the player" --request PUT "$PLAYER" --data '{"country":"LV"}'
move bonus 1000 welcome
move bet 300 round-1
move win 450 round-1
move bet 200 round-2
ask "take back the bets of round-2" --request POST "$PLAYER/transactions/round-2/rollback"
ask "the statement, oldest first" "$PLAYER/transactions?limit=50"
ask "the player with the balances" "$PLAYER"
