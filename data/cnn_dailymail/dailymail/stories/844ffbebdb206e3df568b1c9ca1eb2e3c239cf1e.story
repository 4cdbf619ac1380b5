For three summers Gordon Appleyard blamed the cat next door. Every few weeks another of his prize koi vanished from the pond behind his bungalow in Sallow Green, and every few weeks he wrote his neighbour another stiff letter.

Now a hidden camera has cleared the cat and shown the real culprit: a grey heron, which lands on the garage roof at 5.20am, waits for the kitchen light to go off, and walks to the pond by the garden path.

'He uses the path,' said Mr Appleyard, 67, a former bus inspector. 'He doesn't even get his feet wet on the grass. I was furious, but you have to admire the cheek of it.'

The heron has eaten fourteen fish, the largest of them a white and orange koi named Duchess that had won a rosette at the county show and was insured for £900.

Mr Appleyard has now strung a net across the water and has delivered a written apology next door, together with a tin of salmon.

His neighbour, Eileen Proud, said that the cat, Bishop, had accepted the salmon but would need some time to think about the letters.

@highlight

Gordon Appleyard blamed a neighbour's cat for the loss of his koi

@highlight

A hidden camera showed that a heron had been taking the fish

@highlight

Fourteen fish were eaten, including a prize koi insured for £900

@highlight

He has apologised with a written note and a tin of salmon
