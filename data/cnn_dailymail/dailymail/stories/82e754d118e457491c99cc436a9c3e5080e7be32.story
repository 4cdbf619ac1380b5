When plumber Darren Whitcombe lifted the floorboards of a terraced house in Stoke Harbury, he expected a leaking pipe. He found one, and beside it a lemonade bottle with a letter inside.

It had been written on 3 June 1953 by another plumber, Albert Sugden, who had put the pipe in. The letter gives the price of the job (four pounds and six shillings), the weather (rain), and a piece of advice to whoever came next: 'The joint under the window is a bad one. I was in a hurry. I am sorry.'

It was that very joint which had failed.

'Sixty years it lasted,' said Mr Whitcombe, 38. 'I wish my bad ones were as good as that.'

He traced Mr Sugden's family through the parish magazine. His daughter, Hilda, now 72, said that her father had fretted about the joint for the rest of his life and used to walk past the house when it was frosty.

Mr Whitcombe has repaired the pipe for nothing and put the bottle back, with a second letter next to the first.

He will not say what he wrote, except that there is a tap in the kitchen that he is not entirely happy with.

@highlight

Plumber Darren Whitcombe found a 1953 letter in a bottle under floorboards

@highlight

In it another plumber apologised for a bad joint beneath the window

@highlight

The leak was caused by that same joint sixty years later

@highlight

Mr Whitcombe returned the bottle with a second letter
