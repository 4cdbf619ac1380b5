A leather shoe that was lost in the mud almost 1,800 years ago has been dug up beneath a council car park, with its laces still tied in a bow.

Archaeologists working in Cressminster had been given just three weeks before a new drainage pipe went in. They found the shoe on the last afternoon, in a layer of black silt that had kept out the air and so preserved the leather.

It is a left shoe, equal to a modern child's size 10, and has a pattern of small stars cut into the upper. The sole is studded with 31 iron nails.

'Somebody took trouble over this,' said Dr Zoë Hartnell-Price, who directed the dig. 'It was repaired twice. And then one wet day a child put a foot in a ditch and came home with one shoe, and I should think there were words.'

Also found were a bone comb, four dice, and a slate on which someone had scratched a rude remark about a baker.

The shoe will spend ten months in a freezing chamber to dry it out slowly. After that it will be shown at the town museum.

The car park, which has 212 spaces, reopens on Monday.

@highlight

Child's leather shoe nearly 1,800 years old found beneath a Cressminster car park

@highlight

It was found on the last afternoon of a three-week dig

@highlight

The shoe has star patterns, 31 iron nails and laces still tied

@highlight

It will be dried for ten months and then go on display
